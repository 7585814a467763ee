// SPDX-License-Identifier: Apache-2.0
// Bidirectional wave. Every rank's chunk (K and V, C bytes) travels east and west from its origin to the ends of the
// line, and each rank forwards what arrives as soon as it is there. Source: this project's mesh-native kernel; ring
// attention (Liu, Zaharia, Abbeel 2023) without the wrap, which a line does not have.
// Cost: n(n-1) chunk transfers, busiest directed link (n-1)C, hop-bytes n(n-1)C, which is minimal; asynchronous time
// max(n tau, (n-1)t_c + tau). Causal and contiguous: the westward wave is never needed, hop-bytes n(n-1)C/2.
// Wins on an open line or mesh without wrap links, whenever queries are many enough that K and V are what should
// move.
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule mesh_kv(const NeedSets& needs) {
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int origin = 0; origin < n; ++origin) {
            schedule.propagate(needs, user, attention::walk(n, origin, +1, n - 1 - origin));
            schedule.propagate(needs, user, attention::walk(n, origin, -1, origin));
        }
    }
    return schedule;
}

}  // namespace tilemesh::kernels
