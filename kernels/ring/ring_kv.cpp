// SPDX-License-Identifier: Apache-2.0
// Closed ring, one way: every chunk visits all ranks in turn, from the last rank back to rank 0. Source: ring
// attention (Liu, Zaharia, Abbeel 2023). Cost: n(n-1) chunk transfers. With a real wrap link every link carries
// (n-1)C one way and nothing the other. On an open line the wrap is routed back over n-1 hops: (n-1)C on every
// directed link, hop-bytes 2(n-1)^2 C, and the last chunk passes 2n-3 hops. Causal and contiguous, no chunk needs the
// wrap: it becomes the eastward half of the wave. Never fewer bytes than the wave on a line; on a ring or torus, or
// along a snake through a mesh, it needs buffers for one direction only, and is first on full masks while links do
// not bind.
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule ring_kv(const NeedSets& needs, const RankGrid&) {
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int origin = 0; origin < n; ++origin)
            schedule.propagate(needs, user, attention::walk(n, origin, +1, n - 1));
    }
    return schedule;
}

}  // namespace tilemesh::kernels
