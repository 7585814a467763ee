// SPDX-License-Identifier: Apache-2.0
// Percentiles by nearest rank: always one of the values, never one between two.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tilemesh {

/// Of so many values in ascending order, at least one, the place of the smallest that at least `percent` % of them do
/// not exceed (nearest rank): of ten values the ninety-ninth percentile is the last.
inline std::size_t nearest_rank(std::size_t values, double percent) {
    const double rank = std::ceil(percent / 100.0 * static_cast<double>(values) - 1e-9);
    return static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
}

}  // namespace tilemesh
