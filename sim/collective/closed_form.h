// SPDX-License-Identifier: Apache-2.0
// What a call takes in closed form, without following a packet: its fixed parts, the bytes of the busiest link or
// worker over their rates, and the way of the first packet that goes farthest. It is what `automatic` decides by
// where routers add; what a run takes is execution.h's.
#pragma once

#include "sim/collective/execution.h"

namespace tilemesh::collective {

/// Of one call; `bytes_per_element` of the table's elements. Packets that wait for others are not in it.
Picoseconds closed_form(const Schedule& schedule, std::uint64_t bytes_per_element, const Ground& ground);

/// What `automatic` stands for on this machine: what its library takes, or sums in the network where its routers add
/// and that is faster in closed form. `elements` of the tensor.
Algorithm chosen_on(const Ground& ground, Operation operation, const Chips& chips, std::uint64_t elements,
                    std::uint64_t bytes_per_element);

}  // namespace tilemesh::collective
