// SPDX-License-Identifier: Apache-2.0
// What fixed costs add to the schedule bound. A table says who must wait for whom; with what the shortest work of
// every row costs beside its bytes (a first byte out of memory, an array that fills and drains, the depth of the
// vector engine, the way of a head through the network) the longest chain of waits is a time that no execution beats.
// Where an engine works for long, what must come before its first and after its last piece of work is added to that.
#pragma once

#include "sim/attention/bound_work.h"
#include "sim/attention/bounds.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace tilemesh::attention {

/// What the work of one rank (its member with most heads) takes at peak rates.
struct RankWork {
    Work work;
    double hbm_ns = 0;      // read and written
    double results_ns = 0;  // of it: results written
};

/// Terms of a whole table; none is less than the one of the same name without fixed costs.
struct LatencyTerms {
    double latency = 0;  // the longest chain, bytes for nothing
    double arrival = 0;  // the same, bytes at the rates of memory and links
    double matrix = 0, vector = 0, hbm = 0, link = 0;
};

/// Forward passes only.
LatencyTerms latency_terms(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                           const MachineRates& rates, const Wiring& wiring, const FixedCosts& fixed,
                           const std::vector<RankWork>& work);

}  // namespace tilemesh::attention
