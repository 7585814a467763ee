// SPDX-License-Identifier: Apache-2.0
// Each kind of condition at its limit: what just holds and what just does not, and that it names the culprit.
#include "sim/validation/condition.h"

#include <catch2/catch.hpp>

using namespace tilemesh::validation;

namespace {

Comparison comparison(double reference, double measured, const std::string& group = "", double tolerance = 0.0) {
    Comparison result{"suite", "", reference, measured, "ns", tolerance, group};
    result.name = group + " " + std::to_string(static_cast<int>(reference));
    return result;
}

bool holds(const Condition& condition, const std::vector<Comparison>& comparisons) {
    return condition.check(comparisons).holds;
}

}  // namespace

TEST_CASE("limits on median, percentile and maximum") {
    const std::vector<Comparison> errors_1_2_10 = {comparison(100, 101), comparison(100, 98), comparison(100, 110)};
    CHECK(holds(median_at_most(0.021), errors_1_2_10));
    CHECK_FALSE(holds(median_at_most(0.019), errors_1_2_10));
    CHECK(holds(maximum_at_most(0.101), errors_1_2_10));
    CHECK_FALSE(holds(maximum_at_most(0.099), errors_1_2_10));
    CHECK(holds(percentile_at_most(60, 0.021), errors_1_2_10));
    CHECK_FALSE(holds(percentile_at_most(90, 0.099), errors_1_2_10));
    CHECK(median_at_most(0.05).text == "median <= 5 %");
}

TEST_CASE("exact means exact") {
    CHECK(holds(every_row_exact(), {comparison(381, 381), comparison(7, 7)}));
    CHECK_FALSE(holds(every_row_exact(), {comparison(381, 381), comparison(1e6, 1e6 + 1)}));
}

TEST_CASE("within a share and an amount: both have to hold") {
    const Condition both = each_within(0.05, 1.5, "ns");
    CHECK(holds(both, {comparison(100, 101.4), comparison(20, 20.9)}));
    CHECK_FALSE(holds(both, {comparison(100, 101.6)}));  // 1.6 % but 1.6 ns
    CHECK_FALSE(holds(both, {comparison(20, 21.2)}));    // 1.2 ns but 6 %
    CHECK(holds(each_within_absolute(6.0, "points"), {comparison(50, 55.9), comparison(10, 4.1)}));
    CHECK_FALSE(holds(each_within_absolute(6.0, "points"), {comparison(50, 43.9)}));
}

TEST_CASE("a row's own tolerance is the one that counts") {
    const Condition own = each_within_its_own_tolerance();
    CHECK(holds(own, {comparison(100, 119, "", 0.2), comparison(100, 91, "", 0.1)}));
    const Finding finding = own.check({comparison(100, 119, "", 0.2), comparison(50, 44, "", 0.1)});
    CHECK_FALSE(finding.holds);
    CHECK_THAT(finding.found, Catch::Contains("1 of 2") && Catch::Contains("44 ns") && Catch::Contains("50 ns"));
}

TEST_CASE("which of two is faster counts where the reference says it clearly") {
    CHECK(holds(same_side_of_one(0.03), {comparison(1.2, 1.01), comparison(0.9, 0.99), comparison(1.02, 0.9)}));
    CHECK_FALSE(holds(same_side_of_one(0.03), {comparison(1.2, 1.01), comparison(1.04, 0.99)}));
    CHECK_FALSE(holds(same_side_of_one(0.03), {comparison(0.95, 1.01)}));
    CHECK_FALSE(holds(same_side_of_one(0.03), {comparison(1.04, 1.0)}));  // a draw is not faster
}

TEST_CASE("claims hold when enough of them do, and those that do not are named") {
    const auto claimed = [](const std::string& name, double measured, ClaimRange range) {
        Comparison result = comparison(1.0, measured);
        result.name = name;
        result.claimed = range;
        return result;
    };
    const Comparison inside = claimed("inside", 1.5, {1.5, 1.8}), outside = claimed("outside", 1.81, {1.5, 1.8});
    Comparison failed = claimed("failed", 1.6, {1.5, 1.8});
    failed.failure = "it crashed";
    CHECK(inside.hits_claim());
    CHECK_FALSE(outside.hits_claim());
    CHECK_FALSE(failed.hits_claim());
    CHECK_FALSE(comparison(1.0, 1.0).hits_claim());  // claims nothing
    CHECK(holds(claims_hold(0.5), {inside, outside}));
    CHECK_FALSE(holds(claims_hold(0.51), {inside, outside}));
    CHECK_FALSE(holds(claims_hold(0.5), {inside, outside, failed}));
    CHECK_THAT(claims_hold(1.0).check({inside, outside}).found, Catch::Contains("1 of 2; missed: outside"));
}

TEST_CASE("a reference that is a bound may be passed, not missed") {
    CHECK(holds(each_at_least_its_reference(), {comparison(80, 80), comparison(80, 95)}));
    CHECK_FALSE(holds(each_at_least_its_reference(), {comparison(80, 79.9)}));
}

TEST_CASE("order counts inside a group, where references are far enough apart") {
    const Condition order = same_order_where_separated_by(0.05);
    CHECK(holds(order, {comparison(100, 10, "a"), comparison(110, 11, "a")}));
    CHECK_FALSE(holds(order, {comparison(100, 11, "a"), comparison(110, 10, "a")}));
    CHECK_FALSE(holds(order, {comparison(100, 10, "a"), comparison(110, 10, "a")}));  // no order at all
    CHECK(holds(order, {comparison(100, 11, "a"), comparison(104, 10, "a")}));        // too close
    CHECK(holds(order, {comparison(100, 11, "a"), comparison(110, 10, "b")}));        // strangers
    CHECK(holds(order, {comparison(100, 11), comparison(110, 10)}));                  // in no group
    CHECK_THAT(order.check({comparison(100, 11, "a"), comparison(110, 10, "a"), comparison(200, 12, "a")}).found,
               Catch::Contains("1 of 3 pairs") && Catch::Contains("a 100 against a 110"));
}

TEST_CASE("where the reference differs from itself by more than the tolerance, that is the tolerance") {
    const auto with_spread = [](double measured, double median, double maximum) {
        Comparison result = comparison(100, measured);
        result.spread = {median, maximum};
        return result;
    };
    const Condition condition = median_at_most_or_spread(0.12);
    CHECK(holds(condition, {comparison(100, 111.9)}));
    CHECK_FALSE(holds(condition, {comparison(100, 112.1)}));
    CHECK(holds(condition, {with_spread(114.9, 0.15, 1.3)}));
    CHECK_FALSE(holds(condition, {with_spread(115.1, 0.15, 1.3)}));     // not up to the maximum
    CHECK_FALSE(holds(condition, {with_spread(112.1, 0.017, 0.108)}));  // sharper than the tolerance
    CHECK_THAT(condition.check({with_spread(120, 0.15, 1.3)}).found, Catch::Contains("the reference's own 15 %"));
}

TEST_CASE("order counts where references differ by more than the larger spread of the two") {
    const auto of = [](double reference, double measured, double maximum) {
        Comparison result = comparison(reference, measured, "a");
        result.spread = {maximum / 2, maximum};
        return result;
    };
    const Condition order = same_order_beyond_spread(0.05);
    CHECK_FALSE(holds(order, {of(100, 11, 0.1), of(111, 10, 0.1)}));
    CHECK(holds(order, {of(100, 11, 0.1), of(109, 10, 0.1)}));
    CHECK(holds(order, {of(100, 11, 0.2), of(111, 10, 0.1)}));
    CHECK(holds(order, {of(100, 11, 0.1), of(111, 10, 0.2)}));
    CHECK_FALSE(holds(order, {of(100, 11, 0.0), of(106, 10, 0.0)}));  // nobody measured twice
    CHECK(holds(order, {of(100, 11, 0.01), of(104, 10, 0.01)}));      // closer than what counts anyway
}

TEST_CASE("limits on statistics name the row to look at first") {
    const std::vector<Comparison> rows = {comparison(100, 101), comparison(200, 150)};
    for (const Condition& condition : {median_at_most(0.01), maximum_at_most(0.01), percentile_at_most(90, 0.01)})
        CHECK_THAT(condition.check(rows).found, Catch::EndsWith(", worst  200 (25 %)"));
}

TEST_CASE("a statistic may be as large as its limit") {
    const std::vector<Comparison> half = {comparison(100, 150)};
    CHECK(holds(maximum_at_most(0.5), half));
    CHECK(holds(median_at_most(0.5), half));
}

TEST_CASE("of rows beyond a limit the one that is furthest beyond is named, wherever it stands") {
    const Condition points = each_within_absolute(6.0, "points");
    const std::vector<Comparison> rows = {comparison(50, 57), comparison(60, 75), comparison(70, 78)};
    const std::string found = points.check(rows).found;
    CHECK_THAT(found, Catch::Contains("3 of 3") && Catch::Contains("75 ns when the reference is 60 ns"));
}

TEST_CASE("a case that failed breaks every condition that looks at it") {
    Comparison failed = comparison(100, 100, "a", 0.5);
    failed.failure = "deadlock";
    const std::vector<Comparison> comparisons = {failed, comparison(200, 200, "a", 0.5)};
    for (const Condition& condition :
         {percentile_at_most(90, 0.5), maximum_at_most(0.5), every_row_exact(), each_within(0.5, 50, "ns"),
          each_within_absolute(50, "ns"), each_within_its_own_tolerance(), each_at_least_its_reference(),
          same_order_where_separated_by(0.05)}) {
        INFO(condition.text);
        CHECK_FALSE(holds(condition, comparisons));
    }
}
