// SPDX-License-Identifier: Apache-2.0
// Every mask kind against its definition, pair by pair, and its totals against closed forms at full length.
#include "mask_cases.h"
#include "sim/attention/masks/kinds.h"

#include <algorithm>
#include <set>

using namespace tilemesh;
using namespace tilemesh::attention;

TEST_CASE("every kind sees what its definition says, and answers exactly for blocks, pairs and rows") {
    const TwoUsers users;
    for (const MaskCase& c : mask_cases()) {
        CAPTURE(c.json);
        const std::shared_ptr<const Mask> mask = users.with(c.json).mask;
        Dice dice(1);
        int wrong_pairs = 0, wrong_blocks = 0, wrong_counts = 0, wrong_rows = 0;
        for (int trial = 0; trial < 300; ++trial) {
            const Viewer viewer{static_cast<int>(dice.below(2)), dice.below(heads_q)};
            const std::int64_t end = keys_of_user[viewer.user];
            const std::int64_t before = trial % 2 == 0 ? 0 : -70;  // queries may come before the first key
            const Range queries =
                trial % 5 == 0 ? Range{before + trial % end, before + trial % end + 1} : dice.range(before, end);
            const Range keys = trial % 7 == 0 ? Range{trial % end, trial % end + 1} : dice.range(end);
            std::uint64_t pairs = 0;
            for (std::int64_t i = queries.begin; i < queries.end; ++i) {
                std::vector<float> row(static_cast<std::size_t>(keys.size()), 7.0F);
                mask->row(viewer, i, keys, row);
                for (std::int64_t j = keys.begin; j < keys.end; ++j) {
                    const bool sees = c.sees(viewer, i, j);
                    pairs += sees ? 1 : 0;
                    wrong_pairs += mask->sees(viewer, i, j) != sees;
                    wrong_rows += row[static_cast<std::size_t>(j - keys.begin)] != (sees ? 1.0F : 0.0F);
                }
            }
            const auto area = static_cast<std::uint64_t>(queries.size() * keys.size());
            wrong_blocks += mask->block(viewer, queries, keys) != answer_of(pairs, area);
            wrong_counts += mask->visible_pairs(viewer, queries, keys) != pairs;
        }
        CHECK(wrong_pairs == 0);
        CHECK(wrong_rows == 0);
        CHECK(wrong_blocks == 0);
        CHECK(wrong_counts == 0);
    }
}

TEST_CASE("masks that divide positions into parties are counted together by who is of the same in all of them") {
    const TwoUsers users;
    const auto two = users
                         .with(R"({"all_of": [{"kind": "dilated", "segment": 23, "dilation": 3},
        {"kind": "dilated", "segment": 16, "dilation": 2, "head_offset": false}]})")
                         .mask;
    const auto three = all_of({two, causal_mask()});
    Dice dice(2);
    for (int trial = 0; trial < 100; ++trial) {
        const Viewer viewer{0, dice.below(heads_q)};
        const Range queries = dice.range(-70, keys_of_user[0]), keys = dice.range(keys_of_user[0]);
        std::uint64_t of_two = 0, of_three = 0;
        for (std::int64_t i = queries.begin; i < queries.end; ++i)
            for (std::int64_t j = keys.begin; j < keys.end; ++j) {
                of_two += two->sees(viewer, i, j) ? 1 : 0;
                of_three += three->sees(viewer, i, j) ? 1 : 0;
            }
        CHECK(two->visible_pairs(viewer, queries, keys) == of_two);
        CHECK(three->visible_pairs(viewer, queries, keys) == of_three);
    }
    // Of a million positions each is looked at once, not each pair: a residue in 6 of 3 and 2 takes part in both.
    const auto wide =
        users
            .with(R"({"all_of": [{"kind": "dilated", "segment": 999999, "dilation": 3, "head_offset": false},
        {"kind": "dilated", "segment": 1000002, "dilation": 2, "head_offset": false}]})")
            .mask;
    CHECK(wide->visible_pairs({}, {0, 600000}, {0, 600000}) == std::uint64_t{100000} * 100000);
}

TEST_CASE("no kind of the list is left out of these tests") {
    std::set<std::string> tried;
    for (const MaskCase& c : mask_cases()) tried.insert(Json::parse(c.json)["kind"]);
    for (const MaskKind& kind : mask_kinds()) CHECK(tried.count(std::string(kind.name)) == 1);
}

TEST_CASE("a mask is causal when no definition lets a query see a later key, and tells heads apart when one does") {
    const TwoUsers users;
    for (const MaskCase& c : mask_cases()) {
        CAPTURE(c.json);
        const std::shared_ptr<const Mask> mask = users.with(c.json).mask;
        bool sees_later = false, differs = false;
        for (int user = 0; user < 2; ++user)
            for (std::int64_t i = 0; i < keys_of_user[user]; ++i)
                for (std::int64_t j = 0; j < keys_of_user[user]; ++j)
                    for (std::int64_t head = 0; head < heads_q; ++head) {
                        const bool sees = c.sees({user, head}, i, j);
                        sees_later = sees_later || (sees && j > i);
                        differs = differs || sees != c.sees({user, 0}, i, j);
                    }
        if (mask->is_causal()) CHECK_FALSE(sees_later);
        CHECK(mask->varies_by_head() == differs);
    }
}

TEST_CASE("pairs follow the closed forms at full length") {
    const auto pairs = [](const std::string& mask, std::int64_t keys) {
        const Problem problem = problem_from(R"({"heads_q": 1, "head_dim": 8, "users": [{"keys": )" +
                                             std::to_string(keys) + R"(}], "mask": )" + mask + "}");
        return problem.mask->visible_pairs({}, {0, keys}, {0, keys});
    };
    for (const std::int64_t length : {std::int64_t{8192}, std::int64_t{131072}, std::int64_t{1} << 27}) {
        const auto n = static_cast<std::uint64_t>(length);
        const std::uint64_t w = 4096, s = 128, c = 8;
        // The first w queries see 1, 2, ... w keys; the others w, or w before and w - 1 after.
        CHECK(pairs(R"({"kind": "sliding_window", "window": 4096, "side": "causal"})", length) ==
              w * (w + 1) / 2 + (n - w) * w);
        CHECK(pairs(R"({"kind": "sliding_window", "window": 4096})", length) ==
              n * (2 * w - 1) - 2 * (w * (w - 1) / 2));
        const std::uint64_t blocks = n / s;
        CHECK(pairs(R"({"kind": "block_causal", "block": 128})", length) == s * s * blocks * (blocks + 1) / 2);
        CHECK(pairs(R"({"kind": "sparse_fixed", "stride": 128, "c": 8})", length) ==
              blocks * s * (s + 1) / 2 + s * c * (blocks * (blocks - 1) / 2));
        // Near keys like a causal window of s, and floor(i / s) far ones.
        CHECK(pairs(R"({"kind": "sparse_strided", "stride": 128})", length) ==
              s * (s + 1) / 2 + (n - s) * s + s * (blocks * (blocks - 1) / 2));
        CHECK(pairs(R"({"kind": "dilated", "segment": 2048, "dilation": 4})", length) == n / 2048 * 512 * 512);
    }
}

TEST_CASE("a key bias hides nothing, is added up by all_of, and is what the panel says") {
    const TwoUsers users;
    const Problem problem = users.with(R"({"all_of": [{"kind": "key_bias", "std": 2.0, "seed": 3}, {"kind": "causal"},
        {"kind": "key_bias", "std": 0.5, "seed": 4}]})");
    const auto first = users.with(R"({"kind": "key_bias", "std": 2.0, "seed": 3})").mask;
    const auto second = users.with(R"({"kind": "key_bias", "std": 0.5, "seed": 4})").mask;
    CHECK(problem.mask->has_key_bias());
    CHECK(problem.mask->is_causal());
    CHECK(problem.mask->compare_operations() == causal_mask()->compare_operations());
    CHECK(problem.mask->block({}, {40, 50}, {0, 41}) == Visible::all);
    CHECK(first->key_bias(0, 0) != first->key_bias(1, 0));
    for (int user = 0; user < 2; ++user) {
        double sum = 0.0, squares = 0.0;
        for (std::int64_t key = 0; key < keys_of_user[user]; ++key) {
            CHECK(problem.mask->key_bias(user, key) == first->key_bias(user, key) + second->key_bias(user, key));
            sum += first->key_bias(user, key);
            squares += std::pow(first->key_bias(user, key), 2);
        }
        const auto n = static_cast<double>(keys_of_user[user]);
        CHECK(std::abs(sum / n) < 4 * 2.0 / std::sqrt(n));  // four standard errors
        CHECK(squares / n == Approx(4.0).epsilon(4 * std::sqrt(2.0 / n)));
    }
    const Problem listed = problem_from(R"({"heads_q": 1, "head_dim": 8, "users": [{"keys": 3}],
        "mask": {"kind": "key_bias", "values": [0.5, -2, 1000]}})");
    CHECK(listed.mask->key_bias(0, 0) == 0.5F);
    CHECK(listed.mask->key_bias(0, 1) == -2.0F);
    CHECK(listed.mask->key_bias(0, 2) == 1000.0F);
    CHECK_FALSE(causal_mask()->has_key_bias());
}

TEST_CASE("ids may be listed in the panel, and may come back") {
    const Problem problem = problem_from(R"({"heads_q": 1, "head_dim": 8, "users": [{"keys": 7}],
        "mask": {"kind": "segments", "ids": [5, 5, 2, 9, 2, 2, 5]}})");
    CHECK(problem.mask->visible_pairs({}, {0, 7}, {0, 7}) == 9 + 9 + 1);
    CHECK(problem.mask->sees({}, 0, 6));
    CHECK(problem.mask->block({}, {0, 2}, {2, 6}) == Visible::none);
    CHECK(problem.mask->block({}, {0, 2}, {6, 7}) == Visible::all);
}
