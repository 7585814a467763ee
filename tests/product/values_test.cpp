// SPDX-License-Identifier: Apache-2.0
// What storing does to values, and that a plan which leaves something out is seen.
#include "sim/workloads/product/values.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

using namespace tilemesh;
using namespace tilemesh::workloads;

namespace {

std::vector<float> stored(product::Format format, std::vector<float> values) {
    round_to_format(format, values);
    return values;
}

ProductPanel panel_of(std::uint64_t m, std::uint64_t k, std::uint64_t n, product::Format format) {
    ProductPanel panel;
    panel.shape = {m, k, n, format};
    panel.machine.network.pes_in_cube.rows = 2;
    panel.machine.network.pes_in_cube.cols = 2;
    panel.values.mode = run::ValueMode::full;
    return panel;
}
product::Plan plan_for(const ProductPanel& panel) { return plan_of(panel.shape, panel.grid(), {1, 1, 2}); }

}  // namespace

TEST_CASE("values that share an exponent are multiples of the largest one's last bit") {
    using product::Format;
    // The largest is in [4, 8): steps of 8 / 8 = 1 with three bits, 8 / 128 with seven.
    CHECK(stored(Format::bfloat4_b, {5.0F, -0.4F, 1.6F, 0.5F}) == std::vector<float>{5.0F, 0.0F, 2.0F, 0.0F});
    CHECK(stored(Format::bfloat8_b, {5.0F, 0.03F, 0.05F, -1.0F}) == std::vector<float>{5.0F, 0.0F, 0.0625F, -1.0F});
    CHECK(stored(Format::bfloat4_b, {7.9F}) == std::vector<float>{7.0F});  // no carry into the exponent
    CHECK(stored(Format::bfloat4_b, {0.0F, 0.0F}) == std::vector<float>{0.0F, 0.0F});
    CHECK(stored(Format::bfloat16, {1.00390625F, 1e-30F})[1] != 0.0F);  // each has its own
}

TEST_CASE("results of every format are what the format allows, for sizes that no tile divides") {
    for (const product::Format format :
         {product::Format::bfloat16, product::Format::bfloat8_b, product::Format::bfloat4_b}) {
        const ProductPanel panel = panel_of(70, 200, 50, format);
        const report::VerdictResult verdict = judge_product(panel, plan_for(panel));
        CHECK(verdict.pass);
        CHECK(verdict.relative_l2 > 0.0);
        CHECK(verdict.rows_checked == 70 * 4);
    }
}

TEST_CASE("fewer bits err more") {
    const auto error = [](product::Format format) {
        const ProductPanel panel = panel_of(64, 64, 64, format);
        return judge_product(panel, plan_for(panel)).relative_l2;
    };
    CHECK(error(product::Format::bfloat4_b) > 5 * error(product::Format::bfloat8_b));
    CHECK(error(product::Format::bfloat8_b) > error(product::Format::bfloat16));
}

TEST_CASE("a plan that leaves out a part of K or of the result does not pass") {
    const ProductPanel panel = panel_of(128, 128, 128, product::Format::bfloat16);
    product::Plan plan = plan_for(panel);
    CHECK(judge_product(panel, plan).pass);
    plan.depths.pop_back();
    CHECK_FALSE(judge_product(panel, plan).pass);
    plan = plan_for(panel);
    plan.row_pieces.front().count -= 1;
    CHECK(judge_product(panel, plan).why == "elements that nobody computes");
    plan = plan_for(panel);
    plan.core_cols -= 1;
    CHECK_FALSE(judge_product(panel, plan).pass);
}
