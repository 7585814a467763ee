// SPDX-License-Identifier: Apache-2.0
// One number of reference data beside what tilemesh says about the same thing, and what a list of them comes to.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::validation {

/// How far a reference is from itself: relative differences between measurements of the same thing. 0: unknown.
struct Spread {
    double median = 0.0, maximum = 0.0;
};

/// What a published claim allows; both ends belong to it.
struct ClaimRange {
    double least = -std::numeric_limits<double>::infinity(), most = std::numeric_limits<double>::infinity();
    bool holds(double value) const { return value >= least && value <= most; }
    bool operator==(const ClaimRange&) const = default;
};

struct Comparison {
    std::string suite;  // the suite that it belongs to
    std::string name;   // of the case, the same on every run: "mesh 8x8 uniform 4 flits, 4 VCs x 8, offered 0.05"
    double reference = 0.0;  // in `unit`; not 0 unless an error relative to it means nothing
    double measured = 0.0;   // in `unit`
    std::string unit{};      // "cycles", "ns", "GB/s"; empty for a share
    double tolerance = 0.0;  // relative, when the reference data states one for this row; 0: none
    std::string group{};     // comparisons of one group can be ranked against each other; empty: with none
    std::string failure{};   // not empty: there is no measured value, and why
    Spread spread{};         // of things like this one
    std::optional<ClaimRange> claimed{};  // the reference is then the number of the range nearest to what is measured
    std::string note{};                   // more about it, for its reader

    /// Whether there is a claim, a measured value, and it is in the claim's range.
    bool hits_claim() const { return failure.empty() && claimed && claimed->holds(measured); }
    /// Signed and relative: 0.1 is measured 10 % above the reference. A failure is infinitely wrong.
    double error() const;
};

/// Of the absolute values of the relative errors, apart from the bias.
struct ErrorStatistics {
    std::size_t cases = 0;
    double median = 0.0;  // of an even number the mean of the middle two
    double percentile_90 = 0.0;
    double maximum = 0.0;
    double bias = 0.0;      // mean of the signed errors
    std::size_t worst = 0;  // index of (the first of) the largest
};
ErrorStatistics statistics_of(const std::vector<Comparison>& comparisons);

/// Of the comparisons whose reference has one: the median of the medians, the largest maximum.
Spread spread_of(const std::vector<Comparison>& comparisons);

/// The smallest value that is not exceeded by at least `percent` % of the values (nearest rank); `values` not empty.
double percentile_of(std::vector<double> values, double percent);
double median_of(std::vector<double> values);

}  // namespace tilemesh::validation
