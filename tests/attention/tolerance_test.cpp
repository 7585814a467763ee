// SPDX-License-Identifier: Apache-2.0
// The verdict: what passes, what fails, and what it says.
#include "sim/attention/tolerance.h"
#include "cases.h"

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
    CHECK(scatter_of(1, 128) * 4e-4 == Approx(2 * 0x1p-11).epsilon(0.01));
    CHECK(scatter_of(16, 128) == 2.0);
    CHECK(scatter_of(63, 128) > 1.0);
    CHECK(scatter_of(64, 128) == 1.0);
    CHECK(scatter_of(1000000, 1) == 1.0);
    // Narrow rows say less: 256 of one number are 16 of 16.
    CHECK(scatter_of(64, 16) == 1.0);
    CHECK(scatter_of(256, 1) == 2.0);
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

TEST_CASE("the default tolerance depends on dtype and on the shortest user's context") {
    const auto tolerance = [](Dtype dtype, std::vector<std::int64_t> keys) {
        Problem problem;
        problem.dtype = dtype;
        for (const std::int64_t count : keys) problem.users.push_back({count, 1, 0});
        return default_tolerance(problem).relative_l2;
    };
    CHECK(tolerance(Dtype::f16, {1023}) == 4e-4);
    CHECK(tolerance(Dtype::f16, {1024}) == 3e-4);
    CHECK(tolerance(Dtype::f16, {8192, 1000}) == 4e-4);
    CHECK(tolerance(Dtype::bf16, {1023}) == 3e-3);
    CHECK(tolerance(Dtype::bf16, {131072}) == 2.5e-3);
    CHECK(tolerance(Dtype::f32, {1}) == 1e-5);
}

TEST_CASE("roundings of a running output in bf16 are independent of those of p and add as squares") {
    Problem problem;
    problem.users.push_back({1000, 1, 0});
    const auto limit = [&](std::int64_t roundings) {
        return default_tolerance(problem, Dtype::bf16, roundings).relative_l2;
    };
    CHECK(limit(1) == Approx(std::hypot(4e-4, 3e-3)));
    CHECK(limit(4) == Approx(std::hypot(4e-4, 2 * 3e-3)));
    CHECK(default_tolerance(problem, Dtype::f32, 4).relative_l2 == 4e-4);
}
