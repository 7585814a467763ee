// SPDX-License-Identifier: Apache-2.0
// In which order one PE issues its share of a table that moves nothing but partial results, when blocks are so short
// that merges are a chain of latencies: step by step, all users (and heads) side by side.
#pragma once

#include "kernels/attention/issue_order.h"

#include <cstdint>
#include <vector>

namespace tilemesh::kernels {

/// Does the table move partial results, and nothing else?
bool merges_only(const attention::Schedule& schedule);

/// `order`, of issue_order(), in such an order. Users with less work are worked on first; the steps of those that are
/// through long before the last are spread over the work of the others, those of all others follow all work. A row
/// that moves or merges comes in two parts. Maxima go first, by some steps: they are there before the values'
/// products are, and what both sides are multiplied by is made of them alone. `timeline`: of all ranks. `fold_keys`:
/// of the matrix array. All PEs issue these messages in one order, too: by step, part, sender and receiver.
std::vector<Issue> side_by_side(int rank, const attention::Schedule& schedule,
                                const std::vector<std::vector<attention::TimedAction>>& timeline,
                                std::int64_t fold_keys, const std::vector<Issue>& order);

}  // namespace tilemesh::kernels
