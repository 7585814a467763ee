// SPDX-License-Identifier: Apache-2.0
// All-gather first: the same transfers as the wave, but no rank works before it has everything it needs. Source: the
// context parallelism of Llama 3 training (Grattafiori et al. 2024), which gathers K and V before attention.
// Where routers copy, every rank sends its chunk to all others at once, by the network's own routes; else along the
// line. Cost: busiest directed link (n-1)C, hop-bytes n(n-1)C, room for n chunks in HBM, time (n-1)t_c + n tau:
// nothing overlaps. Wins only where every rank waits for its last chunk anyway; it is what overlap is measured
// against, and simple: one attention over all keys. With copies every PE puts its own chunk into the network and no
// other, on an a x b mesh the busiest link carries max((a-1)b, b-1) C, and the last chunk takes no more hops than the
// mesh has.
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule all_gather_kv(const NeedSets& needs, const RankGrid& grid) {
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    const std::vector<int> line = grid.line();
    for (int user = 0; user < needs.users(); ++user) {
        for (int place = 0; place < n; ++place) {
            const int origin = line[static_cast<std::size_t>(place)];
            const attention::Tree both_ways = attention::arms(line, place);
            schedule.propagate(needs, user, grid.copies ? attention::copied(both_ways) : both_ways, {}, n);
            schedule.attend(n, origin, origin, {.user = user, .id = origin}, needs.needed(user, origin, origin));
            schedule.attend_shared(n, needs, user, origin);
        }
    }
    for (int rank = 0; rank < n; ++rank) schedule.fence(n, rank);
    return schedule;
}

}  // namespace tilemesh::kernels
