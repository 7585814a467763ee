// SPDX-License-Identifier: Apache-2.0
// What a suite promises about its comparisons: conditions that have a text, hold or do not, and say what they found.
// A suite's tolerance is a list of them. A comparison that failed breaks every condition that looks at it.
#pragma once

#include "sim/validation/comparison.h"

#include <functional>
#include <string>
#include <vector>

namespace tilemesh::validation {

struct Finding {
    bool holds = false;
    std::string found;  // "median 3.1 %", "41.2 % at HBM3 16 channels random 64 B"
};

struct Condition {
    std::string text;  // "median <= 5 %"
    std::function<Finding(const std::vector<Comparison>&)> check;
};

Condition median_at_most(double relative);
/// The same, where the reference is no sharper than its own spread.
Condition median_at_most_or_spread(double relative);
Condition percentile_at_most(double percent, double relative);
Condition maximum_at_most(double relative);

/// Measured is the reference itself.
Condition every_row_exact();
/// Every error is at most `relative` and at most `absolute` in the comparisons' unit.
Condition each_within(double relative, double absolute, const std::string& unit);
/// Every difference is at most `absolute` in the comparisons' unit, whatever that is relative to the reference.
Condition each_within_absolute(double absolute, const std::string& unit);
/// Every error is at most the tolerance that its own row states.
Condition each_within_its_own_tolerance();
/// Measured is at least the reference: for suites whose references are bounds.
Condition each_at_least_its_reference();
/// Wherever a reference is 1 + `separation` or more, or the inverse of that or less, the measured value is on the
/// same side of 1: which of two is faster.
Condition same_side_of_one(double separation);
/// Of the claims, that share or more hold.
Condition claims_hold(double share);
/// In every group, wherever two references differ by `separation` or more (relative to the smaller), the measured
/// values are in the same order. Signs are of no use here: values are positive.
Condition same_order_where_separated_by(double separation);
/// The same, of references that differ by more than their own spread as well: closer ones may be in another order
/// when they are measured again.
Condition same_order_beyond_spread(double separation);

/// A relative number as people read it: "3.1 %".
std::string percent_text(double relative);

}  // namespace tilemesh::validation
