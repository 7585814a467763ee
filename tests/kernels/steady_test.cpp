// SPDX-License-Identifier: Apache-2.0
// Steady runs against exact ones: the same commands, work and bytes on every part, and nearly the same time.
#include "tests/kernels/steady_pair.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace kernel_test;

namespace {

/// Long enough that groups of query blocks repeat.
Json long_problem(std::int64_t tokens, const std::string& mask) {
    return {{"heads_q", 8},
            {"heads_kv", 1},
            {"head_dim", 128},
            {"value_dim", 128},
            {"dtype", "f16"},
            {"users", Json::array({{{"keys", tokens}, {"queries", tokens}}})},
            {"mask", {{"kind", mask}}}};
}

Json panel_with(const std::string& kernel, const std::string& mask, const std::string& sharding, int pes) {
    Json panel = panel_of(line_of(pes), long_problem(16384, mask), Json::array({kernel}));
    panel["ranks"] = {{"sharding", sharding}};
    return panel;
}

}  // namespace

TEST_CASE("stretches in turns are as long as engines and processor together have it") {
    Json panel = panel_of(line_of(1), long_problem(16384, "sliding_window"), Json::array({"head_parallel"}));
    panel["machine"]["pe"]["sram_bytes"] = 3000000;
    panel["machine"]["pe"]["matrix"]["rows"] = 64;
    panel["machine"]["pe"]["matrix"]["cols"] = 32;
    panel["problem"]["heads_kv"] = 4;
    panel["problem"]["head_dim"] = panel["problem"]["value_dim"] = 64;
    panel["problem"]["mask"]["window"] = 700;
    const Pair pair = both(panel);
    check_amounts(pair);
    REQUIRE(pair.steady.passed);
    CHECK(2 * pair.steady.passed->commands > pair.steady.commands);
    CHECK(std::abs(off(pair)) < 0.002);
}

TEST_CASE("with short queues nothing is passed over") {
    Json panel = panel_with("mesh_kv", "causal", "zigzag", 4);
    const auto [depth, outstanding] = GENERATE(std::pair(15, 16), std::pair(16, 7));
    panel["machine"]["pe"]["queue_depth"] = depth;
    panel["machine"]["pe"]["dma"]["outstanding"] = outstanding;
    const Pair pair = both(panel);
    CHECK(pair.steady.time == pair.exact.time);
    REQUIRE(pair.steady.passed);
    CHECK(pair.steady.passed->commands == 0);
}

TEST_CASE("a steady run does the same work in nearly the same time") {
    struct Case {
        std::string kernel, mask, sharding;
        int pes;
        double least;  // of the commands are passed over
    };
    const Case one = GENERATE(values<Case>({{"ring_kv", "causal", "zigzag", 4, 0.35},
                                            {"ring_kv_bidirectional", "full", "contiguous", 4, 0.5},
                                            {"mesh_kv", "causal", "zigzag", 4, 0.35},
                                            {"two_orientation", "full", "contiguous", 4, 0.5},
                                            {"all_gather_kv", "full", "contiguous", 2, 0.5},
                                            {"mesh_kv", "causal", "contiguous", 1, 0.4}}));
    INFO(one.kernel << ' ' << one.mask << ' ' << one.sharding);
    const Pair pair = both(panel_with(one.kernel, one.mask, one.sharding, one.pes));
    check_amounts(pair);
    REQUIRE(pair.steady.passed);
    const double share =
        static_cast<double>(pair.steady.passed->commands) / static_cast<double>(pair.steady.commands);
    INFO("passed over " << share << ", off " << off(pair));
    CHECK(share > one.least);
    CHECK(std::abs(off(pair)) < 0.002);
}

TEST_CASE("keys that come late are waited for") {
    // A step takes the link eight times as long as the engines, half as long again, a fifth less.
    struct Case {
        double link, hbm;
        double least;
    };
    const Case one =
        GENERATE(values<Case>({{0.25, 64.0, 0.3}, {0.25, 1024.0, 0.3}, {1.2, 1024.0, 0.05}, {2.0, 64.0, 0.3}}));
    Json panel = panel_with("ring_kv", "full", "contiguous", one.link < 1.0 ? 4 : 8);
    if (one.link > 1.0) panel["problem"]["users"] = Json::array({{{"keys", 24576}, {"queries", 24576}}});
    panel["machine"]["network"]["link"]["gbytes_per_s"] = one.link;
    panel["machine"]["hbm"]["gbytes_per_s_per_channel"] = one.hbm;
    INFO(one.link << ' ' << one.hbm);
    const Pair pair = both(panel);
    check_amounts(pair);
    const double share =
        static_cast<double>(pair.steady.passed->commands) / static_cast<double>(pair.steady.commands);
    INFO("passed over " << share << ", off " << off(pair));
    CHECK(share > one.least);
    CHECK(std::abs(off(pair)) < 0.004);
}

TEST_CASE("where HBM is calm, loads of keys that are there are passed over as well") {
    const auto with_hbm = [](double gbytes_per_s) {
        Json panel = panel_with("ring_kv", "full", "contiguous", 4);
        panel["machine"]["hbm"]["gbytes_per_s_per_channel"] = gbytes_per_s;
        return both(panel);
    };
    const Pair busy = with_hbm(32.0), calm = with_hbm(1024.0);
    check_amounts(calm);
    CHECK(calm.steady.passed->commands > busy.steady.passed->commands + busy.steady.commands / 100);
    CHECK(std::abs(off(calm)) < 0.002);
}

TEST_CASE("where links are idle for most of the time, trains of packets stand for packets") {
    const auto packets = [](const Pair& pair) {
        std::uint64_t steady = 0, exact = 0;
        for (std::size_t i = 0; i < pair.exact.components.size(); ++i) {
            if (pair.exact.components[i].kind != "link") continue;
            steady += pair.steady.components[i].activities;
            exact += pair.exact.components[i].activities;
        }
        return std::pair(steady, exact);
    };
    const Pair calm = both(panel_with("ring_kv", "full", "contiguous", 4));
    check_amounts(calm);
    const auto [trains, single] = packets(calm);
    CHECK(trains * 4 <= single + 4 * 100);
    CHECK(trains * 4 >= single);
    CHECK(std::abs(off(calm)) < 0.002);
    Json busy = panel_with("ring_kv", "full", "contiguous", 4);
    busy["machine"]["network"]["link"]["gbytes_per_s"] = 0.25;
    const auto [left, all] = packets(both(busy));
    CHECK(left == all);
}

TEST_CASE("where HBM is crowded nothing is passed over") {
    Json panel = panel_with("ring_kv", "full", "contiguous", 4);
    panel["machine"]["hbm"]["gbytes_per_s_per_channel"] = 4.0;
    const Pair pair = both(panel);
    CHECK(pair.steady.passed->commands == 0);
    CHECK(pair.steady.time == pair.exact.time);
}

TEST_CASE("where engines wait for HBM again and again, how long they do so is not known") {
    // Tiles for an SRAM of a few hundred kB are so small that a load takes longer than the product before it.
    struct Case {
        std::int64_t sram, head_dim, heads_kv, tokens;
        std::string refresh;
    };
    const Case one = GENERATE(values<Case>({{200000, 128, 1, 1024, "all_bank"},
                                            {200000, 128, 1, 2048, "none"},
                                            {300000, 128, 1, 2048, "all_bank"},
                                            {200000, 256, 1, 1024, "all_bank"}}));
    INFO(one.sram << ' ' << one.head_dim << ' ' << one.tokens << ' ' << one.refresh);
    const Json problem = {{"heads_q", 4},
                          {"heads_kv", one.heads_kv},
                          {"head_dim", one.head_dim},
                          {"users", Json::array({{{"keys", one.tokens}}})}};
    Json panel = panel_of(line_of(1), problem, Json::array({"head_parallel"}));
    panel["machine"]["pe"]["sram_bytes"] = one.sram;
    panel["machine"]["hbm"]["refresh"] = one.refresh;
    const Pair pair = both(panel);
    check_amounts(pair);
    const double share = pair.steady.passed ? static_cast<double>(pair.steady.passed->commands) /
                                                  static_cast<double>(pair.steady.commands)
                                            : 0.0;
    INFO("passed over " << share << ", off " << off(pair));
    CHECK(std::abs(off(pair)) < 0.003);
}

TEST_CASE("groups of fewer than 16 attends are issued, however many are alike") {
    const auto passed_over = [](std::int64_t tiles) {  // of keys: as many attends of each block, which is a group
        Json problem = long_problem(16384, "full");
        problem["users"][0]["keys"] = 512 * tiles;
        const Json choice = {{"kernel", "head_parallel"}, {"tile_queries", 64}, {"tile_keys", 512}};
        Json panel = panel_of(line_of(1), problem, Json::array({choice}));
        panel["machine"]["hbm"]["gbytes_per_s_per_channel"] = 1024.0;
        panel["values"] = {{"mode", "none"}};
        panel["steady"] = true;
        Experiment steady(panel);
        CHECK(steady.arrangement().tiling.group_blocks == 1);
        const report::KernelResult result = steady.run().result;
        return static_cast<double>(result.passed->commands) / static_cast<double>(result.commands);
    };
    CHECK(passed_over(8) == 0.0);
    CHECK(passed_over(15) == 0.0);
    CHECK(passed_over(16) > 0.5);
}

TEST_CASE("PEs that have little to do pass nothing over") {
    Json panel = panel_with("flash", "full", "contiguous", 1);
    panel["problem"]["users"] = Json::array({{{"keys", 4096}, {"queries", 4096}}});
    panel["problem"]["heads_q"] = 1;
    panel["kernels"][0] = {{"kernel", "flash"}, {"tile_keys", 64}, {"tile_queries", 256}};
    const Pair pair = both(panel);
    CHECK(pair.steady.passed->commands == 0);
    CHECK(pair.steady.time == pair.exact.time);
}

TEST_CASE("kernels whose queries or partial results travel pass nothing over") {
    const std::string kernel = GENERATE("pass_q", "tiles_2d", "mesh_mlo");
    const Pair pair = both(panel_with(kernel, "full", "contiguous", 2));
    CHECK(pair.steady.passed->commands == 0);
    CHECK(pair.steady.time == pair.exact.time);
}

TEST_CASE("what a run of its own does not repeat is not counted twice, whatever tiles and masks") {
    struct Case {
        const char* mask;
        std::int64_t keys, tile_queries;
        int pes, heads, sram_mib;
    };
    // Keys that stay in SRAM come once, a message of many tiles at a time.
    const Case one = GENERATE(values<Case>({{R"({"kind": "full"})", 2000, 100, 1, 1, 32},
                                            {R"({"kind": "causal"})", 4000, 250, 2, 1, 32},
                                            {R"({"kind": "sparse_strided", "stride": 128})", 4000, 250, 2, 1, 32}}));
    Json panel = panel_with(one.pes == 1 ? "flash" : "all_gather_kv", "full", "contiguous", one.pes);
    panel["problem"]["users"] = Json::array({{{"keys", one.keys}, {"queries", one.keys}}});
    panel["problem"]["heads_q"] = panel["problem"]["heads_kv"] = one.heads;
    panel["machine"]["pe"]["sram_bytes"] = one.sram_mib << 20;
    panel["problem"]["mask"] = Json::parse(one.mask);
    panel["machine"]["pe"]["matrix"] = {{"rows", 16}, {"cols", 16}};
    panel["kernels"][0] = {
        {"kernel", one.pes == 1 ? "flash" : "all_gather_kv"}, {"tile_keys", 8}, {"tile_queries", one.tile_queries}};
    INFO(one.mask);
    const Pair pair = both(panel);
    check_amounts(pair);
    CHECK(pair.steady.passed->commands > 0);
    CHECK(std::abs(off(pair)) < 0.004);
}

TEST_CASE("sinks and slopes are loaded as often as they would be, whatever is passed over") {
    struct Case {
        const char* problem;
        std::int64_t keys, tile_queries;
        int pes, heads;
    };
    const Case one = GENERATE(
        values<Case>({{R"({"sink": {"std": 1}, "mask": {"kind": "causal"}})", 10002, 100, 5, 4},
                      {R"({"mask": {"all_of": [{"kind": "causal"}, {"kind": "alibi", "slopes": "geometric"}]}})",
                       4096, 32, 4, 8}}));
    Json panel = panel_with("ring_kv", "causal", one.pes == 5 ? "zigzag" : "contiguous", one.pes);
    panel["problem"].update(Json::parse(one.problem));
    panel["problem"]["users"] = Json::array({{{"keys", one.keys}, {"queries", one.keys}}});
    panel["problem"]["heads_q"] = one.heads;
    panel["problem"]["heads_kv"] = 4;
    panel["machine"]["pe"]["sram_bytes"] = 1 << 20;
    panel["machine"]["pe"]["matrix"] = {{"rows", 32}, {"cols", 64}};
    panel["kernels"][0] = {{"kernel", "ring_kv"}, {"tile_queries", one.tile_queries}, {"tile_keys", 128}};
    INFO(one.problem);
    const Pair pair = both(panel);
    CHECK(pair.steady.commands == pair.exact.commands);
    CHECK(pair.steady.passed->commands > 0);
    CHECK(std::abs(off(pair)) < 0.004);
}

TEST_CASE("a run is not over before its engines are") {
    Json panel = panel_with("flash", "causal", "contiguous", 1);
    panel["problem"]["users"] = Json::array({{{"keys", 16384}, {"queries", 16384}}});
    panel["problem"]["heads_q"] = 1;
    panel["kernels"][0] = {{"kernel", "flash"}, {"tile_keys", 64}, {"tile_queries", 1024}};
    const Pair pair = both(panel);
    check_amounts(pair);
    CHECK(pair.steady.passed->commands > 0);
    CHECK(off(pair) >= -0.0005);
}
