// SPDX-License-Identifier: Apache-2.0
// Blocks of a few rows: latencies decide, so several are on their way at once.
#include "sim/base/error.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <random>

using namespace kernel_test;

TEST_CASE("of short blocks no product with values waits for the one before") {
    // 8 tiles of 16 keys for one query: an array of 128 x 128 takes 128 + 128 - 2 cycles to fill and drain, beside
    // the 16 keys; if each product began from the output of the one before, that alone would take 8 times as long.
    const int tiles = 8, keys = 16;
    Json problem = {{"heads_q", 8}, {"heads_kv", 1}, {"head_dim", 128}, {"value_dim", 128}};
    problem["users"] = Json::array({{{"keys", tiles * keys}, {"queries", 1}}});
    const Json choice = {{"kernel", "head_parallel"}, {"tile_keys", keys}};
    Json panel = panel_of(line_of(1), problem, Json::array({choice}));
    panel["values"] = {{"mode", "none"}};
    Experiment experiment(panel);
    CHECK(experiment.arrangement().tiling.short_blocks());
    CHECK(to_nanoseconds(experiment.run().result.time) < tiles * (128 + 128 - 2 + keys));
}

TEST_CASE("softmaxes of short blocks go side by side") {
    // 16 tiles of 16 keys: seven steps of a softmax would take 16 cycles and more each, one block after the other.
    // The array takes the 16 rows of scores and of values in a tenth of that.
    const int tiles = 16, keys = 16, startup = 16;
    Json problem = {{"heads_q", 8}, {"heads_kv", 1}, {"head_dim", 16}, {"value_dim", 16}};
    problem["users"] = Json::array({{{"keys", tiles * keys}, {"queries", 1}}});
    Json panel = panel_of(line_of(1), problem, Json::array({{{"kernel", "head_parallel"}, {"tile_keys", keys}}}));
    panel["values"] = {{"mode", "none"}};
    Experiment experiment(panel);
    const attention::Tiling& tiling = experiment.arrangement().tiling;
    CHECK(tiling.softmax_pace == 1);
    CHECK(tiling.scores_ahead == 6);
    // The chain of running maxima alone is one step for each.
    const double time = to_nanoseconds(experiment.run().result.time), depth = 2 * (128 + 128);
    CHECK(time > tiles * startup + depth);
    CHECK(time < tiles * 7 * startup);
}

TEST_CASE("of longer blocks softmaxes follow each other at the pace of the array") {
    Json problem = {{"heads_q", 8}, {"heads_kv", 1}, {"head_dim", 128}, {"value_dim", 128}};
    problem["users"] = Json::array({{{"keys", 4096}, {"queries", 1}}});
    Experiment experiment(panel_of(line_of(1), problem, Json::array({"head_parallel"})));
    CHECK(experiment.arrangement().tiling.softmax_pace == 7);
    CHECK(experiment.arrangement().tiling.scores_ahead == 2);
}

TEST_CASE("of a tile whose end alone is seen, the values of short blocks are those of its end") {
    // A query sees 20 of 512 keys, and some of the blocks that share the tile see nothing before its second fold.
    Json problem = {{"heads_q", 1}, {"heads_kv", 1}, {"head_dim", 16}, {"value_dim", 16}};
    problem["users"] = Json::array({{{"keys", 512}, {"queries", 512}}});
    problem["mask"] = {{"kind", "sliding_window"}, {"window", 20}};
    const Json choice = {{"kernel", "head_parallel"}, {"tile_queries", 8}, {"tile_keys", 512}};
    Experiment experiment(panel_of(line_of(1), problem, Json::array({choice})));
    const attention::Tiling& tiling = experiment.arrangement().tiling;
    CHECK(tiling.short_blocks());
    CHECK(tiling.tile_keys == 512);
    CHECK(tiling.fold_keys <= 256);
    CHECK(experiment.run().result.verdict.pass);
}

TEST_CASE("a plan follows from its tiles: those that it chose give the same when they are asked for") {
    std::mt19937 random(7);
    const auto one_of = [&random](const std::vector<int>& values) {
        return values[std::uniform_int_distribution<std::size_t>(0, values.size() - 1)(random)];
    };
    int plans = 0, short_plans = 0, cut = 0;
    for (int number = 0; number < 40; ++number) {
        const int heads = one_of({1, 2, 8, 16}), group = one_of({1, 4, 8}), keys = one_of({300, 1024});
        Json problem = {{"heads_q", heads * group}, {"heads_kv", heads}, {"head_dim", one_of({32, 64, 128})}};
        problem["users"] = Json::array({{{"keys", keys}, {"queries", one_of({1, 4, 16, 100})}}});
        problem["mask"] = {{"kind", number % 2 == 0 ? "causal" : "full"}};
        Json machine = line_of(one_of({1, 2, 4}));
        machine["pe"] = {{"sram_bytes", one_of({96, 192, 384, 768, 1536}) << 10}};
        const Experiment open(panel_of(machine, problem, exact_kernels()));
        for (std::size_t kernel = 0; kernel < open.kernels(); ++kernel) {
            attention::Tiling chosen;
            try {
                chosen = open.arrangement(kernel).tiling;
            } catch (const InputError&) {  // not for these ranks, or too large for the SRAM
                continue;
            }
            const Json named = {{"kernel", open.choice(kernel).kernel},
                                {"tile_heads", chosen.tile_heads},
                                {"tile_queries", chosen.tile_queries},
                                {"tile_keys", chosen.tile_keys},
                                {"piece_keys", chosen.piece_keys}};
            CAPTURE(machine.dump(), problem.dump(), named.dump());
            const attention::Tiling asked =
                Experiment(panel_of(machine, problem, Json::array({named}))).arrangement().tiling;
            CHECK(asked.fields() == chosen.fields());
            ++plans;
            short_plans += chosen.short_blocks() ? 1 : 0;
            cut += chosen.tile_heads < heads ? 1 : 0;
        }
    }
    CHECK(plans > 300);
    CHECK(short_plans > 50);
    CHECK(plans - short_plans > 50);
    CHECK(cut > 50);
}

TEST_CASE("a result that nothing is merged with leaves block by block, while later blocks are worked on") {
    // A window that one of two ranks has all keys of: 8 blocks of 2 kv heads, whose results take as long as the work.
    const int heads = 16, group = 8, queries = 2, d = 128;
    Json problem = {{"heads_q", heads * group}, {"heads_kv", heads}, {"head_dim", d}};
    problem["users"] = Json::array({{{"keys", 2048}, {"queries", queries}}});
    problem["mask"] = {{"kind", "sliding_window"}, {"window", 100}};
    const auto time_with = [&](double gbytes_per_s) {
        Json machine = line_of(2);
        machine["network"] = {{"link", {{"gbytes_per_s", gbytes_per_s}}}};
        Json panel = panel_of(machine, problem,
                              Json::array({{{"kernel", "mlo_doubling"}, {"tile_heads", 2}, {"tile_keys", 128}}}));
        panel["values"] = {{"mode", "none"}};
        Experiment experiment(panel);
        CHECK(experiment.arrangement().tiling.short_blocks());
        return to_nanoseconds(experiment.run().result.time);
    };
    const double slow = 32, result_bytes = heads * group * queries * (d + 2) * 4;  // o, m and l
    CHECK(time_with(slow) - time_with(1e5) < 0.6 * result_bytes / slow);
}
