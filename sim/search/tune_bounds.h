// SPDX-License-Identifier: Apache-2.0
// What `tune` knows of points before it runs any.
#pragma once

#include "sim/search/tune.h"

#include <vector>

namespace tilemesh::search {

/// Finds key, bounds and work of all points, or why they cannot run. True: interrupted.
bool find_bounds(const Space& space, const run::Workloads& workloads, const TuneOptions& options,
                 std::vector<Candidate>& points);

/// Runs compute no values, and winners are then run with the panel's own. InputError if those can be computed by none
/// of the kernels in `order`, places of `points`. True: interrupted.
bool check_values(const Space& space, const run::Workloads& workloads, const std::vector<Candidate>& points,
                  const std::vector<std::size_t>& order);

}  // namespace tilemesh::search
