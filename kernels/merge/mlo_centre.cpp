// SPDX-License-Identifier: Apache-2.0
// Centre and broadcast: partial results are merged from both ends towards the middle rank, and the result goes back
// out both ways. Source: two-tree reduction on a line (as in the mesh collectives of Barnett et al. 1994). Cost: M on
// each link each way, hop-bytes 2(n-1)M, time 2 floor(n/2)(M/B + a) + floor(n/2) merge. Wins over the chain by half;
// over the two-way scan (mesh_mlo) only where all ranks must end with the same bits.
#include "kernels/merge/partial_results.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule mlo_centre(const NeedSets& needs, const RankGrid& grid) {
    require_replicated(needs, "mlo_centre");
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    const std::vector<int> line = grid.line();
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        reduce_and_broadcast(schedule, needs, user, attention::arms(line, n / 2));
    }
    return schedule;
}

}  // namespace tilemesh::kernels
