// SPDX-License-Identifier: Apache-2.0
// All-gather first: the same transfers as the wave, but no rank works before it has everything it needs. Source: the
// context parallelism of Llama 3 training (Grattafiori et al. 2024), which gathers K and V before attention.
// Cost: busiest directed link (n-1)C, hop-bytes n(n-1)C, room for n chunks in HBM, time (n-1)t_c + n tau: nothing
// overlaps. Wins only where every rank waits for its last chunk anyway; it is what overlap is measured against,
// and simple: one attention over all keys.
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule all_gather_kv(const NeedSets& needs, const RankGrid& grid) {
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    const std::vector<int> line = grid.line();
    for (int user = 0; user < needs.users(); ++user) {
        for (int place = 0; place < n; ++place) {
            const int origin = line[static_cast<std::size_t>(place)];
            schedule.propagate(needs, user, attention::arms(line, place), {}, n);
            schedule.attend(n, origin, origin, {.user = user, .id = origin}, needs.needed(user, origin, origin));
            schedule.attend_shared(n, needs, user, origin);
        }
    }
    for (int rank = 0; rank < n; ++rank) schedule.fence(n, rank);
    return schedule;
}

}  // namespace tilemesh::kernels
