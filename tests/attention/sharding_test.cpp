// SPDX-License-Identifier: Apache-2.0
// Properties of the division into parts and of the shardings, for every small total and number of parts.
#include "sim/attention/sharding.h"
#include "sim/attention/tokens.h"
#include "sim/base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

/// The token that a rank owns as its local number i, for every i.
std::vector<std::int64_t> listed(const std::vector<Run>& runs) {
    std::vector<std::int64_t> tokens;
    for (const Run& run : runs) {
        for (std::int64_t i = 0; i < run.count; ++i) tokens.push_back(run.at(i));
    }
    return tokens;
}

constexpr Sharding shardings[] = {Sharding::contiguous, Sharding::zigzag, Sharding::striped};

/// What the words say, token by token.
int owner(Sharding sharding, std::int64_t total, int ranks, std::int64_t token) {
    const auto part_with = [&](int parts) {  // the first total % parts of which have a token more
        int part = 0;
        for (std::int64_t end = 0;; ++part) {
            end += total / parts + (part < total % parts ? 1 : 0);
            if (token < end) return part;
        }
    };
    if (sharding == Sharding::contiguous) return part_with(ranks);
    if (sharding == Sharding::striped) return static_cast<int>(token % ranks);
    return std::min(part_with(2 * ranks), 2 * ranks - 1 - part_with(2 * ranks));
}

}  // namespace

TEST_CASE("contiguous parts follow one another, cover everything, and the longer ones come first") {
    int wrong = 0;
    for (std::int64_t total = 0; total <= 40; ++total) {
        for (std::int64_t parts = 1; parts <= 17; ++parts) {
            std::int64_t next = 0;
            for (std::int64_t index = 0; index < parts; ++index) {
                const Range part = contiguous_part(total, parts, index);
                const std::int64_t expected = total / parts + (index < total % parts ? 1 : 0);
                wrong += part.begin != next || part.size() != expected;
                next = part.end;
            }
            wrong += next != total;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("more parts than tokens leaves the surplus parts empty") {
    CHECK(contiguous_part(3, 5, 2) == Range{2, 3});
    CHECK(contiguous_part(3, 5, 3).empty());
    CHECK(contiguous_part(3, 5, 4).empty());
}

TEST_CASE("a part that does not exist is refused") {
    CHECK_THROWS_AS(contiguous_part(8, 4, 4), InternalError);
    CHECK_THROWS_AS(contiguous_part(8, 4, -1), InternalError);
    CHECK_THROWS_AS(contiguous_part(8, 0, 0), InternalError);
    CHECK_THROWS_AS(contiguous_part(-1, 4, 0), InternalError);
}

TEST_CASE("every token belongs to exactly the rank that its sharding says, each rank's tokens in ascending order") {
    int wrong = 0;
    for (const Sharding sharding : shardings) {
        for (std::int64_t total = 0; total <= 40; ++total) {
            for (int ranks = 1; ranks <= 11; ++ranks) {
                std::int64_t owned = 0;
                for (int rank = 0; rank < ranks; ++rank) {
                    const std::vector<Run> runs = tokens_of(sharding, total, ranks, rank);
                    const std::vector<std::int64_t> tokens = listed(runs);
                    for (const Run& run : runs) wrong += run.empty();
                    wrong += std::adjacent_find(tokens.begin(), tokens.end(), std::greater_equal<>()) != tokens.end();
                    for (const std::int64_t token : tokens) {
                        wrong += token < 0 || token >= total || owner(sharding, total, ranks, token) != rank;
                    }
                    owned += static_cast<std::int64_t>(tokens.size());
                }
                wrong += owned != total;  // none twice: two of a rank would not be ascending, two ranks not its owner
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("zigzag gives each rank an early and a late half-part, also the last, where the two touch") {
    CHECK(tokens_of(Sharding::zigzag, 24, 3, 0) == std::vector<Run>{{0, 4, 1}, {20, 4, 1}});
    CHECK(tokens_of(Sharding::zigzag, 24, 3, 2) == std::vector<Run>{{8, 4, 1}, {12, 4, 1}});
    CHECK(tokens_of(Sharding::zigzag, 24, 1, 0) == std::vector<Run>{{0, 24, 1}});  // of one rank nothing is dealt
}

TEST_CASE("under a causal mask zigzag and striped ranks see equally many pairs, contiguous ones do not") {
    const int ranks = 5;
    const std::int64_t total = 200;
    const auto causal_pairs = [&](Sharding sharding, int rank) {
        std::int64_t pairs = 0;
        for (const std::int64_t query : listed(tokens_of(sharding, total, ranks, rank))) pairs += query + 1;
        return pairs;
    };
    const std::int64_t all = total * (total + 1) / 2;
    for (int rank = 0; rank < ranks; ++rank) {
        CHECK(causal_pairs(Sharding::zigzag, rank) == all / ranks);
        // A token later in every one of total / ranks stripes.
        CHECK(causal_pairs(Sharding::striped, rank) == all / ranks + (rank - ranks / 2) * (total / ranks));
    }
    // The last of five contiguous parts sees (2 * 5 - 1) / 5^2 of all positions, give or take the diagonal.
    CHECK(causal_pairs(Sharding::contiguous, 4) == all - (total * 4 / 5) * (total * 4 / 5 + 1) / 2);
}

TEST_CASE("part and hull of a run are positions of that run") {
    const Run run{7, 6, 5};
    CHECK(run.at(0) == 7);
    CHECK(run.at(5) == 32);
    CHECK(run.hull() == Range{7, 33});
    CHECK(run.part(2, 5) == Run{17, 3, 5});
    CHECK(run.part(2, 5).hull() == Range{run.at(2), run.at(4) + 1});
    CHECK(run.part(3, 3).empty());
    CHECK(run.part(3, 3).hull().empty());
}

TEST_CASE("a rank that does not exist owns nothing one could ask for") {
    for (const Sharding sharding : shardings) {
        CHECK_THROWS_AS(tokens_of(sharding, 8, 4, 4), InternalError);
        CHECK_THROWS_AS(tokens_of(sharding, 8, 4, -1), InternalError);
        CHECK_THROWS_AS(tokens_of(sharding, 8, 0, 0), InternalError);
        CHECK_THROWS_AS(tokens_of(sharding, -1, 4, 0), InternalError);
    }
}

TEST_CASE("around a gap, every token outside of it is dealt once, in the order of the rest, and none inside") {
    for (const Sharding sharding : {Sharding::contiguous, Sharding::zigzag, Sharding::striped})
        for (const Range gap : {Range{0, 0}, Range{0, 13}, Range{5, 6}, Range{17, 40}, Range{30, 61}, Range{0, 61}})
            for (const int ranks : {2, 3, 5, 8}) {
                std::vector<int> dealt(61);
                for (int rank = 0; rank < ranks; ++rank) {
                    const auto rest = tokens_of(sharding, 61 - gap.size(), ranks, rank);
                    std::vector<std::int64_t> expected, found;
                    for (const Run& run : rest)
                        for (std::int64_t i = 0; i < run.count; ++i)
                            expected.push_back(run.at(i) + (run.at(i) < gap.begin ? 0 : gap.size()));
                    for (const Run& run : around(rest, gap)) {
                        CHECK(run.count > 0);
                        for (std::int64_t i = 0; i < run.count; ++i) found.push_back(run.at(i));
                    }
                    CHECK(found == expected);
                    for (const std::int64_t token : found) ++dealt[static_cast<std::size_t>(token)];
                }
                for (std::int64_t token = 0; token < 61; ++token)
                    CHECK(dealt[static_cast<std::size_t>(token)] == (token < gap.begin || token >= gap.end ? 1 : 0));
            }
}

TEST_CASE("ranges that touch or overlap become one, and one inside another changes nothing") {
    CHECK((united({{4, 8}, {0, 4}, {9, 9}, {12, 20}, {13, 15}}) == Ranges{{0, 8}, {12, 20}}));
}

TEST_CASE("tokens are cut where a run ends and at every multiple of the step from its begin") {
    const Tokens tokens({{0, 5, 1}, {20, 6, 2}});
    CHECK((tokens.cut({0, 11}, 4) == Ranges{{0, 4}, {4, 5}, {5, 9}, {9, 11}}));
    CHECK((tokens.cut({3, 7}, 4) == Ranges{{3, 4}, {4, 5}, {5, 7}}));
    // And only tokens of a run have a place in it.
    CHECK(tokens.local_of(30) == 10);
    CHECK_FALSE(tokens.local_of(32));
    CHECK_FALSE(tokens.local_of(5));
    CHECK_FALSE(tokens.local_of(21));
}
