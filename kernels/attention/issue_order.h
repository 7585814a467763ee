// SPDX-License-Identifier: Apache-2.0
// In which order one PE issues its share of a schedule: rows of the table by the time at which they would happen on
// ideal engines, cut into pieces, so that an in-order command processor never stands before something late while
// something due waits behind it. Every PE uses the same timeline, so a send is never issued after a receive that
// depends on it.
#pragma once

#include "sim/attention/kernel.h"

#include <vector>

namespace tilemesh::kernels {

/// One piece of one row.
struct Issue {
    const attention::Action* action = nullptr;
    int piece = 0;  // of `pieces`; transfers only: keys of a chunk, query blocks of a partial result
    int pieces = 1;
    double time = 0.0;  // when it would start
    double end = 0.0;   // when the whole row would be done
    double data = 0.0;  // attend: when the chunk would be here
};

/// The rows of a rank's program in order of issue. Rows that attend or merge are one entry each. `state_blocks`:
/// query blocks by user. Two neighbours that send each other partial results at the same time do so block by block,
/// each send followed by a receive, so that neither fills its send queue before it has posted what frees the other's.
std::vector<Issue> issue_order(const std::vector<attention::TimedAction>& program, const attention::NeedSets& needs,
                               std::int64_t piece_keys, const std::vector<int>& state_blocks);

}  // namespace tilemesh::kernels
