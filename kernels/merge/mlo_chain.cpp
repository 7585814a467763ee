// SPDX-License-Identifier: Apache-2.0
// Chain and broadcast: the partial result travels from rank 0 to rank n-1, each rank merging its own in rank order,
// and the final state comes back the same way. Source: the sequential reduction every collective library has; kept as
// the deterministic mode: the order of merging is that of the ranks whatever the timing, and all ranks end with the
// same bits. Cost: M on each link each way, hop-bytes 2(n-1)M, time 2(n-1)(M/B + a) + (n-1) merge. Wins when bitwise
// equal results on all ranks matter more than latency.
#include "kernels/merge/partial_results.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule mlo_chain(const NeedSets& needs, const RankGrid&) {
    require_replicated(needs, "mlo_chain");
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        reduce_and_broadcast(schedule, needs, user, attention::walk(n, n - 1, -1, n - 1));
    }
    return schedule;
}

}  // namespace tilemesh::kernels
