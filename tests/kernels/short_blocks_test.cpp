// SPDX-License-Identifier: Apache-2.0
// Blocks of a few rows: latencies decide, so several are on their way at once.
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

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
