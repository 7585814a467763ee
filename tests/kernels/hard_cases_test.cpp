// SPDX-License-Identifier: Apache-2.0
// Three ways to a wrong value that ordinary problems do not go, each a case of its own: masks that differ by head,
// SRAMs in which nothing stays, and states that are asked for while steps on them are still in flight.
#include "tests/attention/cases.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <memory>

using namespace kernel_test;

namespace {

/// Four PEs, so that every schedule has a grid that it accepts.
Json two_by_two(std::uint64_t sram_bytes) {
    Json machine = line_of(1);
    machine["cube"] = {{"topology", "mesh"}, {"rows", 2}, {"cols", 2}};
    machine["pe"] = {{"sram_bytes", sram_bytes}};
    return machine;
}

/// Four kv heads with three query heads each, two users, nothing a multiple of anything.
Json problem_of_four(const Json& mask) {
    Json problem = distinct_problem("full");
    problem["heads_q"] = 12;
    problem["heads_kv"] = 4;
    problem["users"] =
        Json::array({{{"keys", 97}, {"queries", 53}}, {{"keys", 41}, {"queries", 29}, {"query_offset", 12}}});
    problem["mask"] = mask;
    return problem;
}

/// Every kernel of both passes, cut in the same way.
Json all_kernels(int queries, int keys, int heads) {
    std::vector<std::string> names = exact_kernels();
    for (const std::string& name : backward_kernels()) names.push_back(name);
    Json kernels = Json::array();
    for (const std::string& name : names)
        kernels.push_back({{"kernel", name},
                           {"tile_queries", queries},
                           {"tile_keys", keys},
                           {"tile_heads", heads},
                           {"piece_keys", keys}});
    return kernels;
}

struct Tally {
    std::size_t ran = 0, staged = 0, in_turn = 0;  // staged: queries in HBM; in turn: block by block
};
/// Runs what the machine can hold; whatever runs is right.
Tally passes(const Json& panel, const std::shared_ptr<const attention::Mask>& mask = nullptr) {
    Experiment experiment(panel, mask);
    Tally tally;
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
        CAPTURE(panel.dump(), experiment.choice(kernel).label);
        attention::Tiling tiling;
        try {
            tiling = experiment.arrangement(kernel).tiling;
        } catch (const InputError&) {  // not for this grid or mask, or tiles that the SRAM cannot hold
            continue;
        }
        const Ran ran = experiment.run(kernel);
        CHECK(ran.result.verdict.why == "");
        CHECK(ran.result.verdict.pass);
        ++tally.ran;
        tally.staged += tiling.queries_stay ? 0 : 1;
        tally.in_turn += tiling.group_blocks == 1 ? 1 : 0;
    }
    return tally;
}

/// Query head h sees nothing before position 5 h, so that no tile of two heads is like another and the first head of
/// a block sees most.
class LaterHeadsSeeLess final : public attention::Sprinkled {
public:
    std::string name() const override { return "later heads see less"; }
    bool sees(attention::Viewer viewer, std::int64_t query, std::int64_t key) const override {
        return key >= 5 * viewer.head && key <= query;
    }
    attention::Visible block(attention::Viewer viewer, attention::Range queries,
                             attention::Range keys) const override {
        const std::int64_t first = std::max(keys.begin, 5 * viewer.head);
        if (queries.empty() || first >= keys.end || first >= queries.end) return attention::Visible::none;
        const bool all = keys.begin == first && keys.end - 1 <= queries.begin;
        return all ? attention::Visible::all : attention::Visible::some;
    }
    std::uint64_t visible_pairs(attention::Viewer viewer, attention::Range queries,
                                attention::Range keys) const override {
        return Mask::visible_pairs(viewer, queries, keys);  // by halving
    }
    bool varies_by_head() const override { return true; }
};

}  // namespace

TEST_CASE("masks that differ by head: every kernel, blocks of one and of three heads, forward and backward") {
    const Json dilated = {{"kind", "dilated"}, {"segment", 31}, {"dilation", 3}};
    const auto later = std::make_shared<LaterHeadsSeeLess>();
    const auto by_head = attention::all_of({attention::causal_mask(), std::make_shared<attention::HeadByHead>()});
    for (const int heads : {1, 3}) {
        CHECK(passes(panel_of(two_by_two(8 << 20), problem_of_four(dilated), all_kernels(7, 11, heads))).ran > 15);
        const Json panel =
            panel_of(two_by_two(8 << 20), problem_of_four({{"kind", "causal"}}), all_kernels(7, 11, heads));
        CHECK(passes(panel, later).ran > 15);
        CHECK(passes(panel, by_head).ran > 15);
    }
}

TEST_CASE("an SRAM in which nothing stays: every kernel keeps queries, states and gradients in HBM and is right") {
    for (const int heads : {1, 2})
        for (const char* mask : {"full", "causal"}) {
            CAPTURE(heads, mask);
            const Tally tally =
                passes(panel_of(two_by_two(40 << 10), problem_of_four({{"kind", mask}}), all_kernels(5, 9, heads)));
            CHECK(tally.staged > 0);
        }
}

TEST_CASE("states in flight: a block that is asked for again in its very next step has its last one behind it") {
    // One step per block and visit, blocks taken in turn: what is asked for next is what the pipeline still holds.
    Json problem = problem_of_four({{"kind", "causal"}});
    problem["users"] = Json::array({{{"keys", 60}, {"queries", 9}, {"query_offset", 51}}});
    std::size_t in_turn = 0;
    for (const std::uint64_t kib : {20, 28, 36, 48}) {
        for (const bool tokens : {false, true}) {
            Json panel = panel_of(two_by_two(kib << 10), problem, all_kernels(3, 15, tokens ? 1 : 2));
            panel["ranks"] = {{"sharding", tokens ? "striped" : "contiguous"}};
            in_turn += passes(panel).in_turn;
        }
    }
    CHECK(in_turn > 0);
}
