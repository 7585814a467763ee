// SPDX-License-Identifier: Apache-2.0
// From raw statistics to the figures of the table, and the physics every run must obey.
#pragma once

#include "sim/report/result.h"

namespace tilemesh::report {

/// Fills the derived fields of a result (cycles, rates, shares, distances) from time, flops, bounds and components.
/// Matrix utilisation counts components of kind "matrix" that did any work; HBM figures those of kind "hbm" that
/// moved any byte; the busiest link is the "link" with the largest share of its peak.
void summarise(KernelResult& result);

/// The matrix engine, vector engine or link that is at work for the largest share of the run.
struct BusiestPart {
    std::string kind;  // "matrix", "vector" or "link"; empty when nothing ran
    double share = 0.0;
    /// Too busy to be waiting for anything most of the time, whatever a bound says.
    bool hardly_waits() const { return share >= 0.75; }
};
BusiestPart busiest_part_of(const KernelResult& result);

/// Where some of a run was passed over: it takes no less than its bounds and what its parts have done say, and what
/// it took less is doubted.
void keep_to_physics(KernelResult& result);

/// Throws InternalError unless: no component was busy longer than the run; none moved (or worked) more than its peak
/// allows; the run took at least both bounds; all sends moved as many bytes as all receives. Called on every run.
void check_physics(const KernelResult& result);

}  // namespace tilemesh::report
