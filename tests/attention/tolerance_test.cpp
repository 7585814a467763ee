// SPDX-License-Identifier: Apache-2.0
// The verdict: what passes, what fails, and what it says.
#include "sim/attention/tolerance.h"
#include "cases.h"
#include "sim/attention/error_model.h"

#include <cmath>
#include <limits>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

Verdict compare(const Floats& o, const Floats& lse, const Doubles& expected_o, const Doubles& expected_lse,
                Tolerance tolerance = {1e-3, 1e-4}) {
    Comparison comparison(tolerance);
    comparison.add(o, lse, expected_o, expected_lse);
    return comparison.verdict();
}

}  // namespace

TEST_CASE("a few rows may scatter around a limit, up to what rounding everything the same way makes") {
    // p and o rounded by half a unit in the last place of f16 each, of what is allowed of many rows.
    CHECK(scatter_of(1, 128) == Approx(2 * 0x1p-11 / 4e-4).epsilon(0.001));
    CHECK(scatter_of(16, 128) == std::sqrt(64.0 / 16));
    CHECK(scatter_of(63, 128) == Approx(std::sqrt(64.0 / 63)));
    CHECK(scatter_of(64, 128) == 1.0);
    CHECK(scatter_of(1000000, 1) == 1.0);
    // Narrow rows say less: 256 of one number are 16 of 16.
    CHECK(scatter_of(64, 16) == 1.0);
    CHECK(scatter_of(256, 1) == std::sqrt(64.0 / 16));
}

TEST_CASE("in a sample a narrow row that is 0 by chance does not drown the others") {
    // Three rows of one number with one and the same error; the reference of one is nearly 0.
    const Floats o{1.0005f, -1.0005f, 0.0005f};
    const Doubles expected{1.0, -1.0, 1e-5};
    Comparison narrow({1e-3, 1e-4}, weight_of(true, 1));
    narrow.add(o, {}, expected, Doubles(3, 0.0));
    CHECK(narrow.verdict().pass);
    CHECK(narrow.verdict().worst_row > 10.0);
    CHECK(weight_of(true, narrow_row) == RowWeight::alike);
    CHECK(weight_of(false, 128) == RowWeight::by_norm);
}

TEST_CASE("the relative L2 error is the norm of the difference over the norm of the reference") {
    const Verdict verdict = compare({3.0f, 4.5f, 0.0f, 0.0f}, {1.0f, 2.0f}, {3.0, 4.0, 0.0, 0.0}, {1.0, 2.0});
    CHECK(verdict.relative_l2 == Approx(0.5 / 5.0));
    CHECK(verdict.max_error == 0.5);
    CHECK(verdict.worst_row == Approx(0.5 / 5.0));
    CHECK(verdict.max_lse_error == 0.0);
    CHECK(verdict.rows_checked == 2);
    CHECK_FALSE(verdict.pass);
    CHECK(verdict.reason == "relative L2 error is 0.1, expected at most 0.001");
}

TEST_CASE("an error at the tolerance passes and one above it fails") {
    CHECK(compare({1.25f}, {}, {1.0}, {0.0}, {0.25, 1e-4}).pass);
    CHECK_FALSE(compare({1.2500001f}, {}, {1.0}, {0.0}, {0.25, 1e-4}).pass);
    CHECK(compare({1.0f}, {2.0f + 0x1p-12f}, {1.0}, {2.0}, {0.0, 0x1p-13}).pass);  // relative to lse beyond 1
    CHECK_FALSE(compare({1.0f}, {2.0f + 0x1p-11f}, {1.0}, {2.0}, {0.0, 0x1p-13}).pass);
}

TEST_CASE("users gathered into one verdict are weighed by their norms, and every row is counted") {
    Comparison comparison({1.0, 1e-4});
    comparison.add(Floats{3.0f, 0.0f}, Floats{0.0f}, Doubles{3.0, 1.0}, Doubles{0.0});
    comparison.add(Floats{0.0f, 4.0f}, Floats{0.0f}, Doubles{0.0, 5.0}, Doubles{0.0});
    CHECK(comparison.verdict().relative_l2 == Approx(std::sqrt(2.0 / 35.0)));
    CHECK(comparison.verdict().worst_row == Approx(1.0 / std::sqrt(10.0)));
    CHECK(comparison.verdict().rows_checked == 2);
}

TEST_CASE("all zero where zero is expected is no error") {
    const Verdict verdict =
        compare({0.0f, 0.0f}, {-infinity}, {0.0, 0.0}, {-std::numeric_limits<double>::infinity()});
    CHECK(verdict.pass);
    CHECK(verdict.relative_l2 == 0.0);
}

TEST_CASE("a row that sees no key must be exactly 0 with lse -inf") {
    const double hidden = -std::numeric_limits<double>::infinity();
    const auto verdict = [&](float o, float lse) {
        return compare({o, 1.0f}, {lse, 0.0f}, {0.0, 1.0}, {hidden, 0.0});
    };
    CHECK(verdict(0.0f, -infinity).pass);
    CHECK(verdict(1e-6f, -infinity).reason == "row 0 sees no key and is not 0");
    CHECK_FALSE(verdict(0.0f, infinity).pass);
    CHECK_FALSE(verdict(0.0f, -1e30f).pass);
    CHECK_FALSE(verdict(0.0f, nan_value).pass);
}

TEST_CASE("NaN and infinity fail whatever the tolerance, and the line says where") {
    const Tolerance generous{infinity, infinity};
    for (const float bad : {nan_value, infinity, -infinity}) {
        CHECK_THAT(compare({1.0f, 1.0f, 1.0f, bad}, {0.0f, 0.0f}, {1, 1, 1, 1}, {0, 0}, generous).reason,
                   Catch::StartsWith("output 1 in row 1 is"));
        CHECK_THAT(compare({1.0f, 1.0f}, {0.0f, bad}, {1, 1}, {0, 0}, generous).reason,
                   Catch::StartsWith("lse 1 is"));
        // And the errors say so, though right numbers follow.
        const Verdict verdict = compare({bad, 1.0f}, {bad, 0.0f}, {1, 1}, {0, 0}, generous);
        for (const double error : {verdict.relative_l2, verdict.max_error, verdict.max_lse_error, verdict.worst_row})
            CHECK((std::isnan(bad) ? std::isnan(error) : std::isinf(error)));
    }
}

TEST_CASE("numbers that are not finite because the type of outputs ends are said to be so, and others are not") {
    const auto reason = [](Dtype output, std::vector<float> o, std::vector<double> expected) {
        return compare(o, {0.0f}, expected, {0}, {.relative_l2 = {}, .output = output}).reason;
    };
    CHECK_THAT(reason(Dtype::f16, {1.0f, infinity, 1.0f, infinity}, {1, 65520, 1, 70000}),
               Catch::StartsWith("f16 overflows: 2 of 4 elements are beyond 65504; output 1 in row 0 is inf, "));
    CHECK_THAT(reason(Dtype::f16, {1.0f, infinity}, {1, 65519}), Catch::StartsWith("output 1 in row 0 is inf"));
    CHECK_THAT(reason(Dtype::bf16, {1.0f, infinity}, {1, 65520}), Catch::StartsWith("output 1 in row 0 is inf"));
    CHECK_THAT(reason(Dtype::bf16, {infinity}, {3.4e38}), Catch::StartsWith("bf16 overflows: 1 of 1 elements"));
    // What is expected beyond the type and found so cannot be.
    CHECK_THAT(reason(Dtype::f16, {65504.0f}, {70000}), Catch::Equals(""));
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32}) {
        CHECK(std::isfinite(round_to(dtype, static_cast<float>(greatest_of(dtype)))));
        CHECK(static_cast<double>(round_to(dtype, static_cast<float>(greatest_of(dtype)))) == greatest_of(dtype));
    }
}

TEST_CASE("a missing key shows in lse even if the output's norm hides it") {
    // 1000 rows; one row has lost one of 1000 equal keys.
    const Doubles expected_o(1000, 1.0), expected_lse(1000, std::log(1000.0));
    const Floats o(1000, 1.0f);
    Floats lse(1000, static_cast<float>(std::log(1000.0)));
    CHECK(compare(o, lse, expected_o, expected_lse).pass);
    lse[17] = static_cast<float>(std::log(999.0));
    CHECK_FALSE(compare(o, lse, expected_o, expected_lse).pass);
    CHECK_THAT(compare(o, lse, expected_o, expected_lse).reason, Catch::StartsWith("lse 17 is 6.906"));
}

TEST_CASE(
    "an error in units is that of all rows, of each head and of the worst row, whichever is nearest its limit") {
    // 640 rows of 16 numbers in eight heads; every row has a unit of 1/4 (its square 1/16).
    const std::size_t rows = 640, width = 16;
    Doubles expected(rows * width, 1.0);
    double squared_norm = 0.0;
    for (std::size_t row = 0; row < rows; ++row) {
        expected[row * width + 1] = 1.0 + static_cast<double>(row) / 1024;  // no two rows are alike
        squared_norm += 15.0 + expected[row * width + 1] * expected[row * width + 1];
    }
    const Doubles lse(rows, 0.0), squared_units(rows, 1.0 / 16), lse_units(rows, 1e-14);
    std::vector<std::int64_t> heads(rows);
    for (std::size_t row = 0; row < rows; ++row) heads[row] = static_cast<std::int64_t>(row % 8);
    const auto judged = [&](auto error_of_row, float lse_error) {
        Floats o(expected.begin(), expected.end()), found_lse(rows, 0.0f);
        for (std::size_t row = 0; row < rows; ++row) o[row * width] += static_cast<float>(error_of_row(row));
        found_lse[3] = lse_error;
        Comparison comparison({});
        comparison.add(o, found_lse, expected, lse, {squared_units, lse_units, heads}, 0.0);
        return comparison.verdict();
    };
    const Verdict alike = judged([](std::size_t) { return 0.25 * limit_of_all; }, 0.0f);
    CHECK(alike.pass);
    CHECK(alike.units == Approx(limit_of_all));
    CHECK(alike.units_allowed == limit_of_all);
    CHECK(alike.units_of == "all rows");
    CHECK(alike.allowed_l2 == Approx(limit_of_all * 0.25 * std::sqrt(static_cast<double>(rows) / squared_norm)));
    CHECK_FALSE(judged([](std::size_t) { return 0.2501 * limit_of_all; }, 0.0f).pass);
    const Verdict head = judged([](std::size_t i) { return i % 8 == 1 ? 0.2501 * limit_of_head : 0.0; }, 0.0f);
    CHECK_FALSE(head.pass);
    CHECK(head.reason ==
          fmt::format("the error of head 1 is {:.3g} of the {:.3g} units that this arithmetic may have",
                      1.0004 * limit_of_head, limit_of_head));
    CHECK(judged([](std::size_t i) { return i % 8 == 1 ? 0.2499 * limit_of_head : 0.0; }, 0.0f).pass);
    const Verdict row = judged([](std::size_t i) { return i == 17 ? 0.2501 * limit_of_row : 0.0; }, 0.0f);
    CHECK_FALSE(row.pass);
    CHECK(row.units_of == "row 17");
    CHECK(judged([](std::size_t i) { return i == 17 ? 0.2499 * limit_of_row : 0.0; }, 0.0f).pass);
    CHECK(judged([](std::size_t) { return 0.0; }, 5.9e-7f).pass);
    const Verdict of_lse = judged([](std::size_t) { return 0.0; }, 6.1e-7f);
    CHECK_FALSE(of_lse.pass);
    CHECK(of_lse.units == Approx(6.1).epsilon(1e-3));
    CHECK(of_lse.units_of == "lse 3");
    // A row may have more units and still be further from its limit.
    const Verdict uneven =
        judged([](std::size_t i) { return i % 16 < 8 ? 0.25 * limit_of_all * std::sqrt(2.0) : 0.0; }, 0.0f);
    CHECK(uneven.units == Approx(limit_of_all));
    CHECK(uneven.units_of == "all rows");
    const Verdict bad = judged([](std::size_t i) { return i == 5 ? NAN : 0.0; }, 0.0f);
    CHECK_FALSE(bad.pass);
    CHECK(std::isnan(bad.units));
}

TEST_CASE("rows that are alike are one row for what few rows may scatter") {
    const std::size_t rows = 100;
    const auto allowed = [&](double step) {
        Doubles expected(rows * narrow_row, 1.0);
        for (std::size_t row = 0; row < rows; ++row)
            expected[row * narrow_row] = 1.0 + step * static_cast<double>(row);
        const Floats o(expected.begin(), expected.end());
        Floats wrong = o;
        for (std::size_t row = 0; row < rows; ++row) wrong[row * narrow_row] += 0.25F;
        Comparison comparison({});
        comparison.add(wrong, {}, expected, Doubles(rows, 0.0), {Doubles(rows, 1.0), {}, {}}, 0.0);
        return comparison.verdict().units_allowed;
    };
    CHECK(allowed(0.0) == limit_of_all * scatter_of(1, narrow_row));
    CHECK(allowed(1.0) == limit_of_all * scatter_of(rows, narrow_row));
}

TEST_CASE("a row of a later user is named by its number among all") {
    const Doubles expected(64, 1.0), lse(4, 0.0), units(4, 1.0);
    Floats o(64, 1.0F);
    Comparison comparison({});
    comparison.add(o, {}, expected, lse, {units, {}, {}}, 0.0);
    o[2 * 16] = 10.0F;
    comparison.add(o, {}, expected, lse, {units, {}, {}}, 0.0);
    CHECK(comparison.verdict().units_of == "row 6");
}

TEST_CASE("where what is expected is small, an error is relative to a least norm") {
    const auto relative = [](double least_norm) {
        Comparison comparison({1.0, 1e-4});
        comparison.add(Floats{0.5F}, {}, Doubles{0.1}, Doubles{0.0}, {}, least_norm);
        return comparison.verdict().relative_l2;
    };
    CHECK(relative(0.0) == Approx(4.0));
    CHECK(relative(2.0) == Approx(0.2));
}

TEST_CASE("roundings of a running output in bf16 are independent of those of p and add as squares") {
    // One key with all the weight, and a value of norm 1.
    RowMoments one;
    one.weights = one.values = one.squared_values = one.squares = one.keys = one.all_values = 1.0;
    const RowFacts row{.sum = 1.0, .squared_output = 1.0, .value_dim = 16};
    const auto squared_unit = [&](Dtype state, std::int64_t roundings) {
        return unit_of(one, row, {.state = state, .state_roundings = roundings}).o;
    };
    const double without = squared_unit(Dtype::f32, 4);
    CHECK(squared_unit(Dtype::bf16, 0) == without);
    // Eight digits; a uniform error over mantissas spread evenly over their logarithm.
    const double rounding = std::ldexp(1.0, -16) / (8.0 * std::log(2.0));
    for (const std::int64_t roundings : {1, 4, 9})
        CHECK(squared_unit(Dtype::bf16, roundings) - without ==
              Approx(static_cast<double>(roundings) * rounding).epsilon(1e-3));
}
