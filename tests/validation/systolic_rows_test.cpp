// SPDX-License-Identifier: Apache-2.0
// Rows of SCALE-Sim are met by the matrix engine's formula for folds that run one after another.
#include "sim/validation/families.h"
#include "tests/command/fake_workload.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::validation;

TEST_CASE("what a row of SCALE-Sim is compared with are folds one after another, each filled and drained alone") {
    const run::Workloads workloads = fake_workloads();
    const auto measured = [&](const std::string& dataflow) {
        const Json file = {{"rows", Json::array({{{"array_rows", 4},
                                                  {"array_cols", 8},
                                                  {"dataflow", dataflow},
                                                  {"M", 20},
                                                  {"N", 16},
                                                  {"K", 12},
                                                  {"cycles", 1}}})}};
        const std::vector<Case> cases = systolic_family().read(JsonReader(file, "rows.json"), {"", workloads});
        REQUIRE(cases.size() == 1);
        const std::vector<Comparison> compared = cases.front().measure();
        REQUIRE(compared.size() == 1);
        CHECK(compared.front().reference == 1);
        return compared.front().measured;
    };
    // Outputs stay: 5 x 2 folds of 4 x 8 of them, 12 cycles of operands each, 4 + 8 - 2 to fill and drain.
    CHECK(measured("output_stationary") == 5 * 2 * (12 + 4 + 8 - 2) - 1);
    // Weights stay: 3 x 2 folds of 4 x 8 of them, 4 cycles to load, 20 of operands, 4 + 8 - 2 to fill and drain.
    CHECK(measured("weight_stationary") == 3 * 2 * (4 + 20 + 4 + 8 - 2) - 1);
}
