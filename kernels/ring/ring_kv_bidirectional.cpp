// SPDX-License-Identifier: Apache-2.0
// Closed ring, both ways: every chunk goes ceil((n-1)/2) hops one way and floor((n-1)/2) the other, so the two meet
// on the far side of the ring. Source: ring attention (Liu, Zaharia, Abbeel 2023) on full-duplex links. Cost: n(n-1)
// chunk transfers. With a real wrap link the busiest link carries ceil((n-1)/2)C, hop-bytes n(n-1)C. On an open line
// both wraps are routed back: (n-1)C on every directed link and 2(n-1)^2 C, no gain over one way but for fewer steps.
// Wins where the wrap link is real (ring, torus, a Hamiltonian cycle of an even mesh): half the time of the wave.
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule ring_kv_bidirectional(const NeedSets& needs, const RankGrid&) {
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int origin = 0; origin < n; ++origin) {
            schedule.propagate(needs, user, attention::walk(n, origin, +1, n / 2));
            schedule.propagate(needs, user, attention::walk(n, origin, -1, (n - 1) / 2));
        }
    }
    return schedule;
}

}  // namespace tilemesh::kernels
