// SPDX-License-Identifier: Apache-2.0
// The statistics of a suite, against cases worked out by hand.
#include "sim/validation/comparison.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh::validation;

namespace {

/// Comparisons with a reference of 100, so that a measured 103 is an error of 3 %.
std::vector<Comparison> measured(const std::vector<double>& values) {
    std::vector<Comparison> comparisons;
    for (const double value : values)
        comparisons.push_back({"suite", "case " + std::to_string(comparisons.size()), 100.0, value, "ns"});
    return comparisons;
}

}  // namespace

TEST_CASE("an error is signed and relative to the reference") {
    CHECK(measured({103.0})[0].error() == Approx(0.03));
    CHECK(measured({90.0})[0].error() == Approx(-0.10));
    CHECK(measured({100.0})[0].error() == 0.0);
    CHECK(Comparison{"s", "negative", -4.0, -5.0, ""}.error() == Approx(-0.25));
}

TEST_CASE("a failure and a measured nothing are infinitely wrong") {
    std::vector<Comparison> comparisons = measured({100.0, std::nan("")});
    comparisons[0].failure = "deadlock";
    CHECK(std::isinf(comparisons[0].error()));
    CHECK(std::isinf(comparisons[1].error()));
    CHECK(std::isinf(Comparison{"s", "no reference", 0.0, 1.0, ""}.error()));
}

TEST_CASE("median, 90th percentile, maximum and bias of known errors") {
    // Errors of 1 to 10 %, the even ones negative.
    const auto statistics = statistics_of(measured({101, 98, 103, 96, 105, 94, 107, 92, 109, 90}));
    CHECK(statistics.cases == 10);
    CHECK(statistics.median == Approx(0.055));        // between 5 % and 6 %
    CHECK(statistics.percentile_90 == Approx(0.09));  // nine of ten are at most 9 %
    CHECK(statistics.maximum == Approx(0.10));
    CHECK(statistics.bias == Approx(-0.005));  // (1 - 2 + 3 - ... - 10) / 10
    CHECK(statistics.worst == 9);
}

TEST_CASE("an odd number of cases has a middle one, and one case is everything") {
    CHECK(statistics_of(measured({110, 101, 104})).median == Approx(0.04));
    const auto alone = statistics_of(measured({93}));
    CHECK(alone.median == Approx(0.07));
    CHECK(alone.percentile_90 == Approx(0.07));
    CHECK(alone.bias == Approx(-0.07));
    CHECK(statistics_of({}).cases == 0);
}

TEST_CASE("a percentile is the smallest value that so many do not exceed") {
    const std::vector<double> values = {40, 10, 30, 20};
    CHECK(percentile_of(values, 25.0) == 10);
    CHECK(percentile_of(values, 26.0) == 20);
    CHECK(percentile_of(values, 50.0) == 20);
    CHECK(percentile_of(values, 75.0) == 30);
    CHECK(percentile_of(values, 90.0) == 40);
    CHECK(percentile_of(values, 100.0) == 40);
}

TEST_CASE("the spread of a suite is that of the rows that were measured twice") {
    Comparison once{"suite", "once", 100, 100, "ns"}, twice = once, again = once;
    twice.spread = {0.1, 0.2};
    again.spread = {0.3, 0.7};
    const Spread all = spread_of({once, twice, once, again, once, twice});
    CHECK(all.median == 0.1);  // of 0.1, 0.3 and 0.1
    CHECK(all.maximum == 0.7);
    CHECK(spread_of({once}).maximum == 0.0);
}
