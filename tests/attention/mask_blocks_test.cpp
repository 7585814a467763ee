// SPDX-License-Identifier: Apache-2.0
// Blocks of strided tokens and several heads, against counting every pair.
#include "mask_cases.h"

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

/// All single kinds, and conjunctions of them whose parts have little or nothing in common.
std::vector<MaskCase> combined_cases() {
    std::vector<MaskCase> cases = mask_cases();
    const std::size_t singles = cases.size();
    for (std::size_t i = 0; i < singles; ++i) {
        const MaskCase a = cases[i], b = cases[(i * 7 + 3) % singles];
        cases.push_back({R"({"all_of": [)" + a.json + ", " + b.json + "]}",
                         [a, b](Viewer v, auto q, auto k) { return a.sees(v, q, k) && b.sees(v, q, k); }});
    }
    return cases;
}

}  // namespace

TEST_CASE("a strided block of several heads is answered exactly, and at a glance never wrongly") {
    const TwoUsers users;
    for (const MaskCase& c : combined_cases()) {
        CAPTURE(c.json);
        const std::shared_ptr<const Mask> mask = users.with(c.json).mask;
        Dice dice(2);
        int wrong = 0, wrong_glances = 0, wrong_counts = 0, wrong_any = 0;
        for (int trial = 0; trial < 60; ++trial) {
            const int user = static_cast<int>(dice.below(2));
            const Viewers viewers{user, dice.range(heads_q)};
            Run queries = dice.run(keys_of_user[user]), keys = dice.run(keys_of_user[user]);
            if (trial % 4 == 1) queries.first -= 50;  // from before the first key on
            if (trial % 3 == 0) keys.stride = 1, keys.count = std::min(keys.count, keys_of_user[user] - keys.first);
            std::uint64_t pairs = 0;
            for (std::int64_t head = viewers.heads.begin; head < viewers.heads.end; ++head)
                for (std::int64_t i = 0; i < queries.count; ++i)
                    for (std::int64_t j = 0; j < keys.count; ++j)
                        pairs += c.sees({user, head}, queries.at(i), keys.at(j)) ? 1 : 0;
            const auto area = static_cast<std::uint64_t>(viewers.heads.size() * queries.count * keys.count);
            const Visible expected = answer_of(pairs, area),
                          glance = visible_at_a_glance(*mask, viewers, queries, keys);
            wrong += visible(*mask, viewers, queries, keys) != expected;
            wrong_any += any_visible(*mask, viewers, queries, keys) != (pairs > 0);
            wrong_glances += glance != Visible::some && glance != expected;
            wrong_counts += visible_pairs(*mask, viewers, queries, keys) != pairs;
        }
        CHECK(wrong == 0);
        CHECK(wrong_any == 0);
        CHECK(wrong_glances == 0);
        CHECK(wrong_counts == 0);
    }
}

TEST_CASE("seen keys are those some query sees, exact at the ends and joined across short holes only") {
    const TwoUsers users;
    for (const MaskCase& c : combined_cases()) {
        CAPTURE(c.json);
        const std::shared_ptr<const Mask> mask = users.with(c.json).mask;
        Dice dice(3);
        int wrong = 0;
        for (int trial = 0; trial < 40; ++trial) {
            const int user = static_cast<int>(dice.below(2));
            const Viewers viewers{user, dice.range(heads_q)};
            Run queries = dice.run(keys_of_user[user]), keys = dice.run(keys_of_user[user]);
            if (trial % 4 == 1) queries.first -= 50;
            const std::int64_t join = dice.below(8);
            attention::Ranges expected;
            for (std::int64_t j = 0; j < keys.count; ++j) {
                bool seen = false;
                for (std::int64_t head = viewers.heads.begin; head < viewers.heads.end; ++head)
                    for (std::int64_t i = 0; i < queries.count; ++i)
                        seen = seen || c.sees({user, head}, queries.at(i), keys.at(j));
                if (!seen) continue;
                if (!expected.empty() && j - expected.back().end < std::max<std::int64_t>(join, 1)) {
                    expected.back().end = j + 1;
                } else {
                    expected.push_back({j, j + 1});
                }
            }
            wrong += seen_keys(*mask, viewers, queries, keys, join) != expected;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("a run knows its hull and its parts") {
    const Run run{5, 4, 3};  // 5, 8, 11, 14
    CHECK(run.at(3) == 14);
    CHECK(run.hull() == Range{5, 15});
    CHECK(run.part(1, 3) == Run{8, 2, 3});
    CHECK(run.part(2, 2).empty());
    CHECK(Run{5, 0, 3}.hull().empty());
}
