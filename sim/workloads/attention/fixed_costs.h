// SPDX-License-Identifier: Apache-2.0
// What attention kernels pay beside the rates of their machine (attention::FixedCosts), from its configuration: the
// same functions that the simulation takes its times from.
#pragma once

#include "sim/noc/topology.h"
#include "sim/workloads/attention/arrangement.h"

#include <optional>

namespace tilemesh::workloads {

/// What the machine takes at least beside its rates; nothing is known of kernels cut into launches, whose units share
/// engines, nor of specimens. Refers to all of its arguments.
std::optional<attention::FixedCosts> fixed_costs_of(const AttentionPanel& panel, const attention::Kernel& kernel,
                                                    const noc::Topology& topology, const Arrangement& a);

}  // namespace tilemesh::workloads
