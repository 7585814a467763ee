// SPDX-License-Identifier: Apache-2.0
// How far silicon is from itself, as the suites take it from what was measured twice.
#include "sim/validation/silicon_spread.h"
#include "sim/base/error.h"
#include "sim/validation/suite.h"
#include "tests/command/fake_workload.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tilemesh;
using namespace tilemesh::validation;

namespace {

SiliconSpread spread_from(const char* text) { return SiliconSpread(JsonReader(Json::parse(text), "spread.json")); }

}  // namespace

TEST_CASE("the spread of a kind is that of its pairs, of rings what is stated from their size on") {
    const SiliconSpread spread = spread_from(R"({
        "repeats": [{"kind": "copy", "us": 10, "us_again": 11}, {"kind": "copy", "us": 20, "us_again": 15},
                    {"kind": "copy", "us": 10, "us_again": 10.2}, {"kind": "merge", "us": 4, "us_again": 6}],
        "rings": [{"tokens_from": 4096, "median": 0.02, "maximum": 0.1},
                  {"tokens_from": 512, "median": 0.2, "maximum": 1.5}]})");
    CHECK(spread.of("copy").median == Approx(0.1));    // of 10 %, 25 % and 2 %
    CHECK(spread.of("copy").maximum == Approx(0.25));  // also where the second was the shorter
    CHECK(spread.of("merge").maximum == Approx(0.5));
    CHECK(spread.of("gemm").maximum == 0.0);
    CHECK(spread.of_rings(4096).maximum == 0.1);
    CHECK(spread.of_rings(4095).median == 0.2);
    CHECK(spread.of_rings(1 << 20).median == 0.02);
    CHECK(spread.of_rings(511).maximum == 0.0);
    CHECK_THROWS_AS(spread_from(R"({"repeats": [{"kind": "copy", "us": 10}], "rings": []})"), InputError);
    CHECK_THROWS_AS(spread_from(R"({"repeats": [], "rings": [{"tokens_from": -1, "median": 0, "maximum": 0}]})"),
                    InputError);
}

TEST_CASE("silicon suites judge order only where silicon is further apart than from itself") {
    const run::Workloads workloads = fake_workloads();
    const Surroundings surroundings{TILEMESH_CONFIGS, workloads};
    const Json rows = Json::parse(R"({"rows": [
        {"kind": "ring_attn", "algo": "ring", "causal": 1, "hq": 8, "s_per_gpu": 4096, "us": 100, "gpus": 4},
        {"kind": "ring_attn", "algo": "ring", "causal": 1, "hq": 8, "s_per_gpu": 4095, "us": 100, "gpus": 4}]})");
    for (const Family& family : all_families()) {
        if (family.name != "silicon") continue;
        const auto cases = family.read(JsonReader(rows, "rows.json"), surroundings);
        REQUIRE(cases.size() == 2);
        CHECK(cases[0].suites == std::vector<std::string>{"silicon_4096_up"});
        CHECK(cases[1].suites == std::vector<std::string>{"silicon_2048"});
        // A ring has the spread of rings with as many tokens per GPU, not in all.
        const auto path = std::filesystem::path(TILEMESH_CONFIGS) / "validation" / "silicon_spread.json";
        const SiliconSpread known(JsonReader(parse_json_file(path), "silicon_spread.json"));
        REQUIRE(known.of_rings(4095).maximum != known.of_rings(4096).maximum);
        CHECK(cases[0].measure().front().spread.maximum == known.of_rings(4096).maximum);
        CHECK(cases[1].measure().front().spread.maximum == known.of_rings(4095).maximum);
        for (const Suite& suite : family.suites) {
            if (suite.name == "silicon_4096_up")
                CHECK(suite.conditions.back().text == "same order where 5 % and the reference's own spread apart");
            if (suite.name == "silicon_2048")
                CHECK(suite.conditions.front().text == "median <= 12 % or the reference's own");
        }
    }
}
