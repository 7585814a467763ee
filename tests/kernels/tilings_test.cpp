// SPDX-License-Identifier: Apache-2.0
// Every way the attention kernel can cut and keep its work gives the right answer: states in HBM between chunks,
// chunks staged in HBM, groups of blocks, tiles and pieces of any size. Which way is taken is asked of the plan.
#include "kernels/all.h"
#include "sim/workloads/attention/alternatives.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

using namespace kernel_test;

namespace {

/// Runs and checks a panel's kernels; returns how they were laid out.
std::vector<attention::Tiling> passes(const Json& json) {
    Experiment experiment(json);
    std::vector<attention::Tiling> tilings;
    for (const std::size_t kernel : experiment.accepted()) {
        CAPTURE(json.dump(), experiment.choice(kernel).label);
        const Ran ran = experiment.run(kernel);
        CHECK(ran.result.verdict.why == "");
        CHECK(ran.result.verdict.pass);
        CHECK(ran.result.verdict.relative_l2 <= 4e-4);
        tilings.push_back(experiment.arrangement(kernel).tiling);
    }
    return tilings;
}

Json line_with_sram(int n, std::uint64_t bytes) {
    Json machine = line_of(n);
    machine["pe"] = {{"sram_bytes", bytes}};
    return machine;
}

const std::vector<std::string> wave_and_rings = {"mesh_kv", "ring_kv", "ring_kv_bidirectional", "head_parallel"};

}  // namespace

TEST_CASE("tiles and pieces of every relation are right: dividing or not, pieces smaller and larger than tiles") {
    for (const char* mask : {"full", "causal"}) {
        for (const auto& [queries, keys, piece] :
             {std::tuple{4, 8, 4}, std::tuple{5, 7, 3}, std::tuple{7, 3, 11}, std::tuple{53, 1, 1},
              std::tuple{1, 97, 97}, std::tuple{64, 128, 5}, std::tuple{3, 6, 6}}) {
            Json kernels = Json::array();
            for (const std::string& kernel : exact_kernels_on_line(5)) {
                kernels.push_back({{"kernel", kernel},
                                   {"tile_queries", queries},
                                   {"tile_keys", keys},
                                   {"piece_keys", piece},
                                   {"tile_heads", queries % 2 + 1}});
            }
            passes(panel_of(line_of(5), distinct_problem(mask), kernels));
        }
    }
}

TEST_CASE("an SRAM too small for everything keeps states in HBM, stages chunks there, and the answer stays right") {
    std::set<std::tuple<bool, bool, bool>> ways;  // queries stay, chunks stay, groups of several blocks
    for (const char* mask : {"full", "causal"}) {
        Json problem = distinct_problem(mask);
        problem["users"] = Json::array({{{"keys", 397}, {"queries", 253}}, {{"keys", 61}, {"queries", 61}}});
        for (const std::uint64_t kib : {12, 24, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048}) {
            for (const attention::Tiling& tiling :
                 passes(panel_of(line_with_sram(3, kib << 10), problem, wave_and_rings)))
                ways.insert({tiling.queries_stay, tiling.chunks_stay, tiling.group_blocks > 1});
        }
        for (const std::uint64_t kib : {48, 64, 128, 256}) {
            Json kernels = Json::array();
            for (const std::string& kernel : wave_and_rings) {
                kernels.push_back({{"kernel", kernel},
                                   {"tile_heads", 1},
                                   {"tile_queries", 5},
                                   {"tile_keys", 14},
                                   {"piece_keys", 9}});
            }
            for (const attention::Tiling& tiling : passes(panel_of(line_with_sram(3, kib << 10), problem, kernels)))
                ways.insert({tiling.queries_stay, tiling.chunks_stay, tiling.group_blocks > 1});
        }
    }
    CHECK(ways.count({true, true, true}) == 1);
    CHECK(ways.count({true, false, true}) == 1);
    CHECK(ways.count({false, false, true}) == 1);
    CHECK(ways.count({false, false, false}) == 1);
    // Chunks that stay while states do not would be the wrong way round: states move twice per chunk.
    CHECK(ways.count({false, true, true}) == 0);
    CHECK(ways.count({false, true, false}) == 0);
}

TEST_CASE("of a tile a block takes the folds that it sees: keys, values and biases from the same place") {
    // Tiles of four folds of 8 keys; a window of 9 keys begins anywhere in them.
    const std::string mask =
        R"({"all_of": [{"kind": "sliding_window", "window": 9}, {"kind": "key_bias", "std": 1.5, "seed": 3}]})";
    Json problem = distinct_problem("full");
    problem["mask"] = Json::parse(mask);
    problem["users"] = Json::array({{{"keys", 96}, {"queries", 96}, {"query_offset", 0}}});
    Json machine = line_of(2);
    machine["pe"] = {{"matrix", {{"rows", 8}, {"cols", 8}}}};
    Json kernels = Json::array();
    for (const char* const kernel : {"flash", "ring_kv", "mesh_kv"})
        kernels.push_back({{"kernel", kernel}, {"tile_queries", 4}, {"tile_keys", 32}});
    for (const attention::Tiling& tiling : passes(panel_of(machine, problem, kernels))) CHECK(tiling.fold_keys == 8);
}

TEST_CASE("a state leaves the SRAM and comes back once for all chunks that are there when it comes in") {
    constexpr int n = 4;
    const std::int64_t keys = 400, queries = 252, heads = 6, value_dim = 40, token_bytes = 2 * (24 + 40) * 2;
    Json problem = distinct_problem("full");
    problem["users"] = Json::array({{{"keys", keys}, {"queries", queries}}});
    // Nearest chunks come first, those of both sides together; the own one needs no wait.
    const auto stored = [&](std::int64_t visits) {
        const std::int64_t rows = queries / n * heads;
        const std::int64_t states = (visits - 1) * rows * (4 * value_dim + 8), results = rows * (2 * value_dim + 4);
        return Bytes(static_cast<std::uint64_t>(keys / n * (n - 1) * token_bytes + states + results));
    };
    using Visits = std::vector<std::int64_t>;
    const std::vector<std::pair<double, Visits>> cases = {{1e6, {2, 2, 2, 2}}, {1.0, {4, 3, 3, 4}}};
    for (const auto& [gbytes_per_s, visits] : cases) {
        Json machine = line_of(n, "ideal_line");
        machine["pe"]["sram_bytes"] = 64 << 10;
        machine["network"]["link"]["gbytes_per_s"] = gbytes_per_s;
        Experiment experiment(panel_of(machine, problem, Json::array({"mesh_kv"})));
        CHECK_FALSE(experiment.arrangement().tiling.queries_stay);
        const report::KernelResult result = experiment.run().result;
        CHECK(result.verdict.pass);
        for (int rank = 0; rank < n; ++rank) {
            const std::string path = "machine.cube0.pe" + std::to_string(rank) + ".dma_store";
            const auto found = std::find_if(result.components.begin(), result.components.end(),
                                            [&](const auto& component) { return component.path == path; });
            REQUIRE(found != result.components.end());
            CAPTURE(gbytes_per_s, rank);
            CHECK(found->bytes == stored(visits[static_cast<std::size_t>(rank)]));
        }
    }
}

TEST_CASE("a sample is right where the queries of other ranks' heads lie in HBM") {
    Json kernels = Json::array({"ulysses", "pass_q"});
    Json json = panel_of(line_with_sram(2, 24 << 10), distinct_problem("full"), kernels);
    json["values"] = {{"mode", "sampled"}, {"rows", 40}};
    const std::vector<attention::Tiling> tilings = passes(json);
    REQUIRE(tilings.size() == 2);
    for (const attention::Tiling& tiling : tilings) CHECK_FALSE(tiling.queries_stay);
}

TEST_CASE("states stay in the SRAM only where those of all users fit side by side") {
    Json problem = distinct_problem("full", 2);
    problem["users"] = Json::array();
    for (int user = 0; user < 4; ++user) problem["users"].push_back({{"keys", 61 + user}, {"queries", 60 - user}});
    std::set<bool> stay;
    for (std::uint64_t kib = 64; kib <= 192; kib += 8) {
        Json kernels = Json::array();
        for (const std::string& kernel : wave_and_rings)
            kernels.push_back({{"kernel", kernel}, {"tile_queries", 15}, {"tile_keys", 8}, {"piece_keys", 8}});
        for (const attention::Tiling& tiling : passes(panel_of(line_with_sram(3, kib << 10), problem, kernels)))
            stay.insert(tiling.queries_stay);
    }
    CHECK(stay.size() == 2);
}

TEST_CASE("where keys travel past long blocks, queries stay though masks would not all fit beside them") {
    // 16 heads of 128 queries for 8 visits of keys. Leaving the SRAM they would cross HBM eight times.
    Json problem = {{"heads_q", 32}, {"heads_kv", 16}, {"head_dim", 128}, {"value_dim", 128}};
    problem["users"] = Json::array({{{"keys", 1024}, {"queries", 1024}}});
    problem["mask"] = {{"kind", "sliding_window"}, {"window", 200}, {"side", "causal"}};
    Json panel = panel_of(line_of(8), problem, Json::array({"head_ring"}));
    panel["values"] = {{"mode", "none"}};
    Experiment experiment(panel);
    CHECK(experiment.arrangement().tiling.queries_stay);
    CHECK_FALSE(experiment.arrangement().tiling.short_blocks());
    CHECK(to_nanoseconds(experiment.run().result.time) < 60e3);  // 102 us where they leave
}

TEST_CASE("receive buffers smaller than a piece only slow the wave down") {
    for (const char* mask : {"full", "causal"}) {
        Json machine = line_of(4);
        machine["network"] = {
            {"receive_buffer_bytes", 512}, {"packet_bytes", 256}, {"link", {{"buffer_bytes", 512}}}};
        passes(panel_of(machine, distinct_problem(mask), exact_kernels()));
    }
}

TEST_CASE("neighbours that swap partial results of many blocks need no more than the smallest queues and buffers") {
    for (const int n : {2, 3, 4, 8}) {
        Json machine = line_of(n);
        machine["pe"] = {{"queue_depth", 1}};
        machine["network"] = {
            {"receive_buffer_bytes", 512}, {"packet_bytes", 256}, {"link", {{"buffer_bytes", 512}}}};
        Json problem = distinct_problem("causal");
        problem["users"].push_back({{"keys", 41}, {"queries", 23}});
        passes(panel_of(machine, problem,
                        Json::array({{{"kernel", "mesh_mlo"}, {"tile_queries", 3}, {"tile_heads", 1}}})));
    }
}

TEST_CASE("a search that proves takes no two tilings for the same work, whatever field they differ in") {
    using attention::Tiling;
    const Experiment experiment(panel_of(line_of(2), distinct_problem("causal"), Json::array({"mesh_kv"})));
    const attention::Kernels known = kernels::all();
    const attention::Kernel& mesh_kv = known.front();
    REQUIRE(mesh_kv.name == "mesh_kv");
    const workloads::RanksChoice ranks = workloads::ranks_of(experiment.panel(), experiment.choice());
    workloads::Arrangement arrangement = experiment.arrangement();
    const Tiling chosen = arrangement.tiling;
    const std::vector<std::function<void(Tiling&)>> changes = {
        [](Tiling& t) { ++t.tile_heads; },
        [](Tiling& t) { ++t.tile_queries; },
        [](Tiling& t) { ++t.tile_keys; },
        [](Tiling& t) { ++t.piece_keys; },
        [](Tiling& t) { ++t.fold_keys; },
        [](Tiling& t) { ++t.stages; },
        [](Tiling& t) { ++t.group_blocks; },
        [](Tiling& t) { t.launches = attention::Launches::waited; },
        [](Tiling& t) { ++t.scores_ahead; },
        [](Tiling& t) { ++t.softmax_pace; },
        [](Tiling& t) { t.products_apart = !t.products_apart; },
        [](Tiling& t) { t.queries_stay = !t.queries_stay; },
        [](Tiling& t) { t.chunks_stay = !t.chunks_stay; }};
    CHECK(changes.size() == std::tuple_size_v<decltype(chosen.fields())>);
    std::set<std::string> works = {workloads::work_of(known, mesh_kv, ranks, arrangement)};
    for (const auto& change : changes) {
        arrangement.tiling = chosen;
        change(arrangement.tiling);
        works.insert(workloads::work_of(known, mesh_kv, ranks, arrangement));
    }
    CHECK(works.size() == changes.size() + 1);
}
