// SPDX-License-Identifier: Apache-2.0
// How a chunk's gradient comes home in a backward schedule: along a tree of ranks, summed on the way. And how the
// gradient of the sinks is summed over the ranks.
#pragma once

#include "sim/attention/schedule.h"

#include <vector>

namespace tilemesh::kernels {

/// The gradient of the chunk of the tree's root comes to the root from all ranks of the tree that attend some of it,
/// summed hop by hop, and from no rank beyond the last of them. The furthest share leaves in `first_step`.
void bring_gradient_home(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
                         const attention::Tree& homeward, int first_step);

/// The same for the keys that every rank has, to their home rank from both sides of the row of all ranks.
void bring_shared_gradient_home(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
                                const std::vector<int>& row, bool wraps);
/// The gradient of the sinks comes to rank 0, summed along a row of all ranks.
void sum_sinks(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
               const std::vector<int>& row);

}  // namespace tilemesh::kernels
