// SPDX-License-Identifier: Apache-2.0
// Links that take the messages of a table in turn: what of the latency bound (latency_bound.h) no rank sees alone.
#pragma once

#include "sim/attention/bounds.h"
#include "sim/attention/table_chains.h"

#include <vector>

namespace tilemesh::attention {

/// A member of every rank, and its chains.
struct MemberChains {
    int number;
    const TableChains* chains;
};

/// No execution ends before the link has ended that ends last, in nanoseconds: each takes what goes over it when it
/// may begin, and what follows then takes as long as its chains are.
double links_ns(const std::vector<MemberChains>& members, const Schedule& schedule, const TableEdges& edges,
                const Wiring& wiring);

}  // namespace tilemesh::attention
