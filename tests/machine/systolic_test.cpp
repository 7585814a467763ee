// SPDX-License-Identifier: Apache-2.0
// The systolic formula, against a public simulator and against counting by hand.
#include "sim/base/json_reader.h"
#include "sim/pe/cost.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::pe;

TEST_CASE("folds one after another take the cycles that SCALE-Sim reports") {
    const Json file = parse_json_file(TILEMESH_SOURCE_DIR "/configs/validation/systolic_cycles.json");
    const Json& rows = file.at("rows");
    REQUIRE(rows.size() == 32);
    for (const Json& row : rows) {
        const Dataflow dataflow =
            row.at("dataflow") == "output_stationary" ? Dataflow::output_stationary : Dataflow::weight_stationary;
        const Cost cost = systolic_cost(row.at("array_rows"), row.at("array_cols"), dataflow, false, row.at("M"),
                                        row.at("N"), row.at("K"));
        INFO(row.dump());
        CHECK(cost.occupancy_cycles == row.at("cycles").get<double>());
        CHECK(cost.latency_cycles == cost.occupancy_cycles);
    }
}

TEST_CASE("a remainder costs a whole fold") {
    // 5 x 3 by 3 x 7 on 4 x 4: output stationary, 2 x 2 folds of 3 + 4 + 4 - 2 cycles.
    CHECK(systolic_cost(4, 4, Dataflow::output_stationary, false, 5, 7, 3).occupancy_cycles ==
          2 * 2 * (3 + 4 + 4 - 2) - 1);
    // Weight stationary, the 3 x 7 weights are 1 x 2 folds; 5 rows stream through each, after 4 cycles of loading.
    CHECK(systolic_cost(4, 4, Dataflow::weight_stationary, false, 5, 7, 3).occupancy_cycles ==
          1 * 2 * (5 + 2 * 4 + 4 - 2) - 1);
    for (const Dataflow dataflow : {Dataflow::output_stationary, Dataflow::weight_stationary}) {
        for (const bool overlap : {false, true}) {
            // The whole of a fold costs what its first element costs in that dimension.
            CHECK(systolic_cost(8, 8, dataflow, overlap, 16, 9, 8).occupancy_cycles ==
                  systolic_cost(8, 8, dataflow, overlap, 16, 16, 8).occupancy_cycles);
            CHECK(systolic_cost(8, 8, dataflow, overlap, 16, 16, 8).occupancy_cycles <
                  systolic_cost(8, 8, dataflow, overlap, 16, 17, 8).occupancy_cycles);
        }
    }
}

TEST_CASE("overlapped folds follow at the pace of their streams and pay fill and drain once, as latency") {
    // 256 x 256, k = 512 on 128 x 128: 4 folds of 512 cycles; the first operand needs 254 cycles to cross the array.
    const Cost output = systolic_cost(128, 128, Dataflow::output_stationary, true, 256, 256, 512);
    CHECK(output.occupancy_cycles == 4 * 512);
    CHECK(output.latency_cycles - output.occupancy_cycles == 128 + 128 - 2);
    const Cost weight = systolic_cost(128, 128, Dataflow::weight_stationary, true, 512, 256, 256);
    CHECK(weight.occupancy_cycles == 4 * 512);
    CHECK(weight.latency_cycles - weight.occupancy_cycles == 2 * 128 + 128 - 2);
    // Streams shorter than the array is high do not come faster than results shift out of it.
    CHECK(systolic_cost(128, 128, Dataflow::output_stationary, true, 256, 256, 16).occupancy_cycles == 4 * 128);
    CHECK(systolic_cost(128, 128, Dataflow::output_stationary, true, 20, 256, 16).occupancy_cycles == 2 * 20);
}

TEST_CASE("a single fold takes as long with overlap as without") {
    for (const int k : {1, 16, 128, 1000}) {
        CHECK(systolic_cost(128, 128, Dataflow::output_stationary, true, 100, 128, k).latency_cycles ==
              systolic_cost(128, 128, Dataflow::output_stationary, false, 100, 128, k).latency_cycles + 1);
        CHECK(systolic_cost(128, 128, Dataflow::weight_stationary, true, k, 128, 100).latency_cycles ==
              systolic_cost(128, 128, Dataflow::weight_stationary, false, k, 128, 100).latency_cycles + 1);
    }
}

TEST_CASE("overlapping folds never beats one multiply-accumulate per unit and cycle, and never loses to no overlap") {
    for (const Dataflow dataflow : {Dataflow::output_stationary, Dataflow::weight_stationary}) {
        for (const int size : {8, 32}) {
            for (const int m : {1, 31, 64, 100}) {
                for (const int n : {1, 40, 64}) {
                    for (const int k : {1, 8, 129}) {
                        const Cost fast = systolic_cost(size, size, dataflow, true, m, n, k);
                        const Cost slow = systolic_cost(size, size, dataflow, false, m, n, k);
                        const double ideal = 1.0 * m * n * k / (size * size);
                        INFO(size << " " << m << " " << n << " " << k);
                        CHECK(systolic_cost(size, size, Dataflow::ideal, true, m, n, k).occupancy_cycles ==
                              Approx(ideal));
                        CHECK(fast.occupancy_cycles >= ideal);
                        CHECK(fast.latency_cycles <= slow.latency_cycles + 1);  // their last cycles coincide
                    }
                }
            }
        }
    }
}
