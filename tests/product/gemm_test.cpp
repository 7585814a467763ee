// SPDX-License-Identifier: Apache-2.0
// Rows of measured products: which suite each belongs to, what is not compared, and that a row runs as it says.
#include "sim/validation/families.h"
#include "sim/workloads/product/product_run.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::validation;

namespace {

const workloads::ProductKind kind;

Json row(const char* card, const char* grid, const char* configured, std::uint64_t m, std::uint64_t k,
         std::uint64_t n) {
    return {{"card", card},
            {"core_grid", grid},
            {"configuration", configured},
            {"in0_memory", "DRAM"},
            {"in1_memory", "DRAM"},
            {"out_memory", "DRAM"},
            {"dtype", "bfloat16"},
            {"fidelity", "HiFi4"},
            {"M", m},
            {"K", k},
            {"N", n},
            {"time_ns", 1e6}};
}
std::vector<Case> cases_of(const Json& rows) {
    static const run::Workloads workloads{&kind};
    static const Surroundings surroundings{TILEMESH_CONFIGS, workloads};
    const Json file = {{"rows", rows}};
    REQUIRE(gemm_family().recognises(file));
    return gemm_family().read(JsonReader(file, "gemm.json"), surroundings);
}
Case case_of(const Json& one) { return cases_of(Json::array({one})).front(); }
Json changed(const char* key, const char* value) {
    Json one = row("N150", "8x8", "hand_tuned", 4096, 4096, 4096);
    one[key] = value;
    return one;
}

}  // namespace

TEST_CASE("products that machines were fitted to stand apart, and so do small ones and the library's") {
    using Names = std::vector<std::string>;
    CHECK(case_of(row("N150", "8x8", "hand_tuned", 16384, 16384, 16384)).suites ==
          Names{"gemm_fitted", "gemm_order"});
    CHECK(case_of(row("N150", "8x8", "hand_tuned", 4096, 4096, 4096)).suites == Names{"gemm", "gemm_order"});
    CHECK(case_of(row("P150", "11x10", "hand_tuned", 4160, 3520, 3520)).suites == Names{"gemm", "gemm_order"});
    CHECK(case_of(row("P150", "13x10", "hand_tuned", 640, 4096, 4096)).suites == Names{"gemm_small"});
    CHECK(case_of(row("N150", "8x8", "library_chosen", 4096, 4096, 4096)).suites ==
          Names{"gemm_library", "gemm_order"});
    CHECK(case_of(row("N150", "8x8", "library_chosen", 512, 512, 512)).suites == Names{"gemm_library_small"});
    for (const Suite& suite : gemm_family().suites) CHECK(suite.fitted == (suite.name == "gemm_fitted"));
}

TEST_CASE("rows that say something else are counted with the reason, and run nothing") {
    CHECK(case_of(changed("dtype", "float32")).left_out == "dtype float32 is not modelled");
    CHECK(case_of(changed("fidelity", "HiFi3")).left_out == "fidelity HiFi3 is not modelled");
    CHECK(case_of(changed("core_grid", "7x8")).left_out == "no machine has the cores of N150 7x8");
    CHECK(case_of(changed("in1_memory", "L1")).left_out.find("in0, in1 and out in DRAM, L1 and DRAM") == 0);
    CHECK(case_of(changed("configuration", "autotuned")).left_out == "configuration autotuned has no suite");
    CHECK_FALSE(case_of(changed("dtype", "float32")).measure);
}

TEST_CASE("a row runs on its card, grid, format, fidelity and memories") {
    const auto us = [](const Json& one) { return case_of(one).measure().front().measured; };
    const double plain = us(row("N150", "8x8", "hand_tuned", 4096, 4096, 4096));
    // 65.5 TFLOP/s at 1 GHz; 0.89 GHz after a while.
    CHECK(plain > 2e-6 * 4096.0 * 4096 * 4096 / 65.536 / 0.95);
    CHECK(us(changed("fidelity", "HiFi2")) < 0.85 * plain);
    CHECK(us(changed("dtype", "bfloat4_b")) < plain);
    CHECK(us(changed("out_memory", "L1")) < plain);
    CHECK(us(row("P150", "11x10", "hand_tuned", 4096, 4096, 4096)) < 0.5 * plain);
    CHECK(us(row("P150", "13x10", "hand_tuned", 4160, 4096, 4160)) <
          us(row("P150", "11x10", "hand_tuned", 4160, 4096, 4160)));
    CHECK(us(row("N150", "8x8", "library_chosen", 4096, 4096, 4096)) == plain);
}

TEST_CASE("rates of large products are ranked within a card, a grid and who configured them") {
    const std::vector<Comparison> found = case_of(row("N150", "8x8", "hand_tuned", 4096, 4096, 2048)).measure();
    REQUIRE(found.size() == 2);
    CHECK(found[1].suite == "gemm_order");
    CHECK(found[1].group == "N150 8x8 hand_tuned");
    const double flops = 2.0 * 4096 * 4096 * 2048;
    CHECK(found[1].reference == Approx(flops / 1e6 / 1e3));  // of 1e6 ns
    CHECK(found[1].measured == Approx(flops / found[0].measured / 1e6));
    CHECK(case_of(row("N150", "8x8", "hand_tuned", 512, 4096, 4096)).measure().size() == 1);
}
