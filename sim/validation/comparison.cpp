// SPDX-License-Identifier: Apache-2.0
// Errors and their statistics.
#include "sim/validation/comparison.h"

#include "sim/base/percentile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tilemesh::validation {

double Comparison::error() const {
    constexpr double infinite = std::numeric_limits<double>::infinity();
    if (!failure.empty() || std::isnan(measured)) return infinite;
    if (measured == reference) return 0.0;
    return (measured - reference) / std::abs(reference);
}

double percentile_of(std::vector<double> values, double percent) {
    std::sort(values.begin(), values.end());
    return values[nearest_rank(values.size(), percent)];
}

double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    if (values.size() % 2 == 1) return values[half];
    return values[half - 1] + (values[half] - values[half - 1]) / 2.0;
}

ErrorStatistics statistics_of(const std::vector<Comparison>& comparisons) {
    ErrorStatistics statistics;
    statistics.cases = comparisons.size();
    if (comparisons.empty()) return statistics;
    std::vector<double> errors;
    double sum = 0.0;
    for (const Comparison& comparison : comparisons) {
        errors.push_back(std::abs(comparison.error()));
        sum += comparison.error();
    }
    const auto worst = std::max_element(errors.begin(), errors.end());
    statistics.worst = static_cast<std::size_t>(worst - errors.begin());
    statistics.maximum = *worst;
    statistics.bias = sum / static_cast<double>(errors.size());
    statistics.percentile_90 = percentile_of(errors, 90.0);
    statistics.median = median_of(std::move(errors));
    return statistics;
}

Spread spread_of(const std::vector<Comparison>& comparisons) {
    std::vector<double> medians;
    Spread all;
    for (const Comparison& comparison : comparisons) {
        if (comparison.spread.maximum == 0.0) continue;
        medians.push_back(comparison.spread.median);
        all.maximum = std::max(all.maximum, comparison.spread.maximum);
    }
    if (!medians.empty()) all.median = median_of(std::move(medians));
    return all;
}

}  // namespace tilemesh::validation
