// SPDX-License-Identifier: Apache-2.0
// Does every schedule make exactly the transfers and block products that its closed form says? (Any timing model.)
#include "tests/schedules/example.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

using namespace example;

namespace {

int rows(const Schedule& schedule, int rank, Action::Kind kind, int towards) {
    const auto& program = schedule.program(rank);
    return static_cast<int>(std::count_if(program.begin(), program.end(), [&](const Action& action) {
        return action.kind == kind && (action.peer - rank) * towards > 0;
    }));
}

bool receives(const Schedule& schedule, int rank, int step, int from, int origin) {
    const Item chunk{Item::Kind::chunk, 0, origin};
    return std::any_of(schedule.program(rank).begin(), schedule.program(rank).end(), [&](const Action& action) {
        return action.kind == Action::Kind::receive && action.step == step && action.peer == from &&
               action.item == chunk;
    });
}

}  // namespace

TEST_CASE("without a mask the wave and both rings make n(n-1) chunk transfers and n^2 block products") {
    for (const int n : rank_counts)
        for (const std::int64_t tokens : {16 * n, 16 * n + 5, n + 1}) {  // even, ragged, barely one token each
            CAPTURE(n, tokens);
            const NeedSets needs(self_attention(tokens), n);
            for (const auto schedule : {kernels::mesh_kv, kernels::ring_kv, kernels::ring_kv_bidirectional}) {
                const Schedule table = in_a_row(schedule, needs);
                const Counts counts = count(table);
                CHECK(counts.chunk_transfers == number(n * (n - 1)));
                CHECK(counts.attends == number(n * n));
                CHECK(counts.state_transfers == 0);
                CHECK(counts.merges == 0);
                CHECK(chunk_messages(table, [](const Action&) { return 1u; }) == number(2 * n * (n - 1)));
                CHECK(chunk_messages(table, [](const Action&) { return 3u; }) == number(6 * n * (n - 1)));
            }
        }
}

TEST_CASE("in the wave rank r sends r+1 chunks east and n-r west and receives n-1") {
    for (const int n : rank_counts) {
        const Schedule wave = in_a_row(kernels::mesh_kv, NeedSets(self_attention(7 * n + 3), n));
        for (int r = 0; r < n; ++r) {
            CAPTURE(n, r);
            CHECK(rows(wave, r, Action::Kind::send, +1) == (r < n - 1 ? r + 1 : 0));
            CHECK(rows(wave, r, Action::Kind::send, -1) == (r > 0 ? n - r : 0));
            CHECK(rows(wave, r, Action::Kind::receive, +1) + rows(wave, r, Action::Kind::receive, -1) == n - 1);
        }
    }
}

TEST_CASE("at step s of the wave rank r receives chunk r-s from the west and r+s from the east, where they exist") {
    for (const int n : rank_counts) {
        const Schedule wave = in_a_row(kernels::mesh_kv, NeedSets(self_attention(7 * n + 3), n));
        for (int r = 0; r < n; ++r)
            for (int s = 1; s < n; ++s) {
                CAPTURE(n, r, s);
                CHECK(receives(wave, r, s, r - 1, r - s) == (r >= s));
                CHECK(receives(wave, r, s, r + 1, r + s) == (r + s < n));
            }
    }
}

TEST_CASE("a causal mask leaves n(n+1)/2 blocks, n(n-1)/2 transfers, all eastward, in wave and one-way ring alike") {
    for (const int n : rank_counts)
        for (const std::int64_t tokens : {16 * n, 16 * n + 5}) {
            CAPTURE(n, tokens);
            const NeedSets needs(self_attention(tokens, causal_mask()), n);
            const Schedule wave = in_a_row(kernels::mesh_kv, needs);
            CHECK(count(wave).attends == number(n * (n + 1) / 2));
            CHECK(count(wave).chunk_transfers == number(n * (n - 1) / 2));
            for (int r = 0; r < n; ++r) CHECK(rows(wave, r, Action::Kind::send, -1) == 0);
            CHECK(in_a_row(kernels::ring_kv, needs).programs() == wave.programs());
        }
}

TEST_CASE("the ring both ways needs ceil((n-1)/2) steps, the others n-1") {
    const auto last_step = [](const Schedule& schedule) {
        int last = 0;
        for (const auto& program : schedule.programs())
            for (const Action& action : program) last = std::max(last, action.step);
        return last;
    };
    for (const int n : rank_counts) {
        CAPTURE(n);
        const NeedSets needs(self_attention(16 * n), n);
        CHECK(last_step(in_a_row(kernels::mesh_kv, needs)) == n - 1);
        CHECK(last_step(in_a_row(kernels::ring_kv, needs)) == n - 1);
        CHECK(last_step(in_a_row(kernels::ring_kv_bidirectional, needs)) == n - 1 - (n - 1) / 2);
    }
}

TEST_CASE("a decode step merged along the line has n block products and n-1 states each way, no chunk moves") {
    for (const int n : rank_counts)
        for (const std::int64_t keys : {16 * n, 16 * n + 5}) {
            CAPTURE(n, keys);
            const Schedule merge = in_a_row(kernels::mesh_mlo, NeedSets::replicated_queries(decode(keys), n));
            const Counts counts = count(merge);
            CHECK(counts.attends == number(n));
            CHECK(counts.chunk_transfers == 0);
            CHECK(counts.state_transfers == number(2 * (n - 1)));
            // an end rank takes one state in; each inner rank makes two to send on and takes two in
            CHECK(counts.merges == number(n == 1 ? 0 : 2 + 4 * (n - 2)));
            for (int r = 0; r < n; ++r) {
                CHECK(rows(merge, r, Action::Kind::send, +1) == (r < n - 1 ? 1 : 0));
                CHECK(rows(merge, r, Action::Kind::send, -1) == (r > 0 ? 1 : 0));
            }
        }
}

TEST_CASE("ranks without keys forward states but send none where nobody behind them has a share") {
    const int n = 7, keys = 3;  // ranks 3..6 hold no key
    const Schedule merge = in_a_row(kernels::mesh_mlo, NeedSets::replicated_queries(decode(keys), n));
    for (int r = 0; r < n; ++r) {
        CAPTURE(r);
        CHECK(rows(merge, r, Action::Kind::send, +1) == (r < n - 1 ? 1 : 0));
        CHECK(rows(merge, r, Action::Kind::send, -1) == (r > 0 && r < keys ? 1 : 0));
    }
}

TEST_CASE(
    "ranks without tokens neither send nor receive in the wave, and nothing is sent past the last rank in need") {
    const int n = 9;
    const std::uint64_t filled = 5;
    const Counts counts =
        count(in_a_row(kernels::mesh_kv, NeedSets(self_attention(static_cast<std::int64_t>(filled)), n)));
    CHECK(counts.attends == filled * filled);
    CHECK(counts.chunk_transfers == filled * (filled - 1));
}

TEST_CASE("one rank with all heads moves nothing and attends each user once") {
    const NeedSets needs(problem({{64, 64, 0}, {33, 5, 28}, {7, 1, 6}}, causal_mask()), 1);
    const Counts counts = count(in_a_row(kernels::head_parallel, needs));
    CHECK(counts.attends == 3);
    CHECK(counts.chunk_transfers + counts.state_transfers + counts.merges == 0);
    CHECK_THROWS_AS(in_a_row(kernels::head_parallel, NeedSets(self_attention(64), 2)), InternalError);
    CHECK_THROWS_AS(in_a_row(kernels::mesh_mlo, NeedSets(self_attention(64), 2)), InternalError);
}

TEST_CASE("users of different lengths add up, each with its own need-sets") {
    const std::vector<User> users{{100, 100, 0}, {37, 37, 0}, {64, 16, 48}};
    for (const int n : rank_counts)
        for (const auto& mask : {full_mask(), causal_mask()})
            for (const auto schedule : {kernels::mesh_kv, kernels::ring_kv, kernels::ring_kv_bidirectional}) {
                CAPTURE(n, mask->name());
                Counts sum;
                for (const User& user : users) {
                    const Counts alone = count(in_a_row(schedule, NeedSets(problem({user}, mask), n)));
                    sum.chunk_transfers += alone.chunk_transfers;
                    sum.attends += alone.attends;
                }
                const Counts together = count(in_a_row(schedule, NeedSets(problem(users, mask), n)));
                CHECK(together.chunk_transfers == sum.chunk_transfers);
                CHECK(together.attends == sum.attends);
            }
}

TEST_CASE("a prefill behind a cached prefix sends the prefix both ways and the new chunks only where they are seen") {
    // 4 ranks, 16 keys, the last 4 of which are new: rank r has query r at position 12 + r and keys 4r .. 4r+3, so
    // every rank needs chunks 0..2, and all need chunk 3, whose first key is position 12.
    const NeedSets needs(problem({{16, 4, 12}}, causal_mask()), 4);
    for (int rank = 0; rank < 4; ++rank)
        for (int origin = 0; origin < 4; ++origin) {
            const bool whole = origin < 3 || rank == 3;
            CHECK(needs.need(0, rank, origin) == (whole ? Visible::all : Visible::some));
        }
    CHECK(count(in_a_row(kernels::mesh_kv, needs)).chunk_transfers == 4 * 3);
}

TEST_CASE("both ways from any place of a row, also one that wraps, every rank is reached once") {
    for (const int n : rank_counts)
        for (int at = 0; at < n; ++at)
            for (const bool wraps : {false, true}) {
                CAPTURE(n, at, wraps);
                std::vector<int> row(number(n)), reached;
                std::iota(row.begin(), row.end(), 10);
                reached = arms(row, at, wraps).ranks;
                CHECK(reached.front() == 10 + at);
                std::sort(reached.begin(), reached.end());
                CHECK(reached == row);
            }
}
