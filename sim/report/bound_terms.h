// SPDX-License-Identifier: Apache-2.0
// Making a bound of its terms.
#pragma once

#include "sim/report/result.h"

#include <vector>

namespace tilemesh::report {

/// Rounded down, and a little more for the rounding of rates and sums, so that a bound never exceeds what it bounds.
Picoseconds bound_time(double ns);

/// The bound that is the largest of these; of equal ones the first is named.
BoundResult largest_of(std::vector<BoundTerm> terms);

}  // namespace tilemesh::report
