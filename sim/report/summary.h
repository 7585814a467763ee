// SPDX-License-Identifier: Apache-2.0
// From raw statistics to the figures of the table, and the physics every run must obey.
#pragma once

#include "sim/report/result.h"

namespace tilemesh::report {

/// Fills the derived fields of a result (cycles, rates, shares, distances) from time, flops, bounds and components.
/// Matrix utilisation counts components of kind "matrix" that did any work; HBM figures those of kind "hbm" that
/// moved any byte; the busiest link is the "link" with the largest share of its peak.
void summarise(KernelResult& result);

/// Throws InternalError unless: no component was busy longer than the run; none moved (or worked) more than its peak
/// allows; the run took at least both bounds; all sends moved as many bytes as all receives. Called on every run.
void check_physics(const KernelResult& result);

}  // namespace tilemesh::report
