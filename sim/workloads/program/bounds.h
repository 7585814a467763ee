// SPDX-License-Identifier: Apache-2.0
// Lower bounds on what a program did: by any arrangement of the same work on the machine, and by this one.
#pragma once

#include "sim/machine/simulation.h"
#include "sim/program/array.h"
#include "sim/report/result.h"

#include <vector>

namespace tilemesh::workloads {

/// The products at the peak of all PEs, the vector operations shared evenly, every element that was touched moved
/// once by all slices of the machine. `fastest`: multiply-accumulates per ns of a PE at its fastest dtype.
report::BoundResult machine_bound(const machine::MachineConfig& machine, const machine::Outcome& outcome,
                                  const std::vector<Ref<program::Array>>& arrays, double fastest);

/// The busiest matrix engine, vector engine, slice and link.
report::BoundResult schedule_bound(const machine::Outcome& outcome);

}  // namespace tilemesh::workloads
