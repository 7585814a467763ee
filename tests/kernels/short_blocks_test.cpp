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
