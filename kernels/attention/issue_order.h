// SPDX-License-Identifier: Apache-2.0
// In which order one PE issues its share of a schedule: rows of the table by the time at which they would happen on
// ideal engines, cut into pieces, so that an in-order command processor never stands before something late while
// something due waits behind it. Every PE uses the same timeline, so a send is never issued after a receive that
// depends on it.
#pragma once

#include "sim/attention/kernel.h"

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

/// The receivers of a row that sends; none: it is part of the multicast of the row before.
std::span<const int> receivers_of_row(const attention::Schedule& schedule, const attention::Action& action);
/// Who, of the PEs' ranks, a row's message comes from and goes to (first): what PEs order messages by.
std::pair<int, int> ends_of_row(const attention::Schedule& schedule, const attention::Action& action, int rank);

/// What of a partial result a message carries.
enum class StatePart : std::uint8_t { whole, maximum, rest };  // m, then l and o; or the log-sum-exp, then out

/// One piece of one row.
struct Issue {
    const attention::Action* action = nullptr;
    int piece = 0;  // transfers only: messages of a chunk, blocks of queries or of their partial result
    StatePart part = StatePart::whole;  // transfers and merges of partial results
    bool joins = false;                 // attend: the visit of the attend before
    double time = 0.0;                  // when it would start
    double end = 0.0;                   // when the whole row would be done
    double ready = 0.0, weighed = 0.0;  // merge, and attend (timeline.h)
    double data = 0.0;                  // attend: when the chunk and the queries would be here
};

/// The rows of a rank's program in order of issue. `pieces`: how many a transfer has. Rows that attend or merge are
/// one entry each, and so are the sends of a multicast. All PEs issue their messages in one order, by time, sender
/// and (first) receiver. So the first message that is not through has all its ends free of anything earlier, and gets
/// through: nobody waits in a circle, however small queues and buffers are.
std::vector<Issue> issue_order(int rank, const attention::Schedule& schedule,
                               const std::vector<attention::TimedAction>& program,
                               const std::function<std::size_t(const attention::Action&)>& pieces);

}  // namespace tilemesh::kernels
