// SPDX-License-Identifier: Apache-2.0
// When each row of a schedule's table would happen on ideal engines: every directed edge moves one item at a time in
// table order, an item is forwarded once it has fully arrived, each rank computes one thing at a time in the order in
// which its inputs arrive, and nothing else is in anyone's way. Kernels issue in this order; the closed forms of
// asynchronous schedules are its special cases.
#pragma once

#include "sim/attention/schedule.h"

#include <functional>
#include <vector>

namespace tilemesh::attention {

/// A transfer keeps its edge busy for `occupied` and has fully arrived `latency` after that. (For the naive closed
/// form t_c = C/B + a, everything is in `occupied`; hops that pipeline, as on a routed wrap, put theirs into
/// `latency`.)
struct TransferTime {
    double occupied = 0;
    double latency = 0;
};

/// Durations in any one unit of time.
struct Durations {
    std::function<double(int rank, const Action& attend)> attend;
    std::function<TransferTime(int from, int to, const Action& send)> transfer;
    /// From when a rank may turn to something else until the partial result is there: what is computed in stages is
    /// still on its way for that long.
    std::function<double(int rank, const Action& attend)> settling = [](int, const Action&) { return 0.0; };
    /// Of that, until the last products with values could begin.
    std::function<double(int rank, const Action& attend)> weighing = [](int, const Action&) { return 0.0; };
    std::function<double(int rank, const Action& merge)> merge = [](int, const Action&) {
        return 0.0;
    };  // not copies
};

/// A row and its time. A send and its receive both span from the start of the transfer to full arrival; an attend
/// ends when its rank may turn to something else.
struct TimedAction {
    const Action* action = nullptr;  // of the schedule
    double start = 0;
    double end = 0;
    double ready = 0;    // all that it waits for is there, but the rank may be at something else
    double weighed = 0;  // attend: the last of its values could begin
    double settled = 0;  // attend: its partial result is there
    bool joins = false;  // attend: belongs to the visit of the attend before it
};

/// What of several things that are ready a rank computes first.
enum class ComputeOrder {
    /// Own chunk first, then by arrival, equal arrivals by table order.
    arrival,
    /// The same, but what was ready when the rank turned to some queries comes before other queries: a visit. Where
    /// the state of queries waits in HBM, it moves once per visit.
    visits,
};

/// By rank, in the order of the rank's program. The schedule must be sound (check_schedule), and stay where it is.
std::vector<std::vector<TimedAction>> predict(const Schedule& schedule, const Durations& durations,
                                              ComputeOrder order = ComputeOrder::arrival);

/// The end of the last row.
double makespan(const std::vector<std::vector<TimedAction>>& timed);

}  // namespace tilemesh::attention
