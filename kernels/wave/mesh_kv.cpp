// SPDX-License-Identifier: Apache-2.0
// Bidirectional wave. Every rank's chunk (K and V, C bytes) travels both ways from its origin to the ends of the line
// of ranks (on a grid: row by row, every other row backwards), and each rank forwards what arrives as soon as it is
// there. Source: this project's mesh-native kernel; ring
// attention (Liu, Zaharia, Abbeel 2023) without the wrap, which a line does not have.
// Cost: n(n-1) chunk transfers, busiest directed link (n-1)C, hop-bytes n(n-1)C, which is minimal; asynchronous time
// max(n tau, (n-1)t_c + tau). Causal and contiguous: the westward wave is never needed, hop-bytes n(n-1)C/2.
// Wins on an open line or mesh without wrap links, whenever queries are many enough that K and V are what should
// move.
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule mesh_kv(const NeedSets& needs, const RankGrid& grid) {
    const std::vector<int> line = grid.line();
    Schedule schedule(needs.ranks(), needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int place = 0; place < needs.ranks(); ++place)
            schedule.propagate(needs, user, attention::arms(line, place));
    }
    return schedule;
}

}  // namespace tilemesh::kernels
