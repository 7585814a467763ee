// SPDX-License-Identifier: Apache-2.0
// How one kernel of one panel sits on the machine, before anything is simulated: which PE is which member of which
// rank, who owns which heads, the schedule's table (checked), the tiles, the timeline and the bounds.
#pragma once

#include "sim/attention/bounds.h"
#include "sim/attention/kernel.h"
#include "sim/base/units.h"
#include "sim/workloads/attention/panel.h"

#include <vector>

namespace tilemesh::workloads {

struct Arrangement {
    attention::Problem stored;                   // the panel's problem as kernels see it
    std::vector<std::vector<int>> pes;           // by rank, by member
    std::vector<attention::Range> member_heads;  // by member: kv heads
    attention::NeedSets needs;
    attention::Schedule schedule;
    attention::Tiling tiling;
    std::vector<std::vector<attention::TimedAction>> timeline;
    attention::Bound machine_bound, schedule_bound;
    double work_imbalance = 1.0;  // work of the busiest rank over that of the mean one

    int ranks() const { return static_cast<int>(pes.size()); }
    int members() const { return static_cast<int>(member_heads.size()); }
};

/// Bytes that no run of an arrangement can do without: of all HBM slices, of all links together, of the busiest link
/// (that with the largest share of its rate).
struct LeastBytes {
    Bytes hbm, hop, busiest_link;
};
LeastBytes least_bytes(const AttentionPanel& panel, const Arrangement& a);

/// InputError, beginning with choice.where, when the kernel cannot run this panel.
Arrangement arrange(const AttentionPanel& panel, const AttentionChoice& choice, const attention::Kernel& kernel);

}  // namespace tilemesh::workloads
