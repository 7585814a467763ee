// SPDX-License-Identifier: Apache-2.0
// The backward pass as a wave out and a wave home: chunks travel both ways along the line as in mesh_kv, as far as
// somebody needs them; their gradients (dk, dv) come back the same way in f32, summed hop by hop, and dq stays.
// Source: this project's wave, with the reduction that is the transpose of its broadcast.
// Cost (C bytes of a chunk, G = 2 C of its gradient when C is f16): hop-bytes n(n-1)(C + G), the least on a line. A
// link carries chunks of the ranks behind it and gradients of the ranks before it: link r -> r+1 has
// (r+1) C + (n-1-r) G, so the busiest directed link carries C + (n-1) G. Causal and contiguous: chunks go east only,
// gradients west only. Wins where bytes on links are what counts (half of a routed ring's), and in time on very slow
// links of a large mesh (4 x 4, 8 GB/s). Elsewhere the ring is faster: here the last gradient still has n-1 hops to
// go, each after it has arrived whole, when the last work is done.
#include "kernels/backward/return_path.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule mesh_kv_backward(const NeedSets& needs, const RankGrid& grid) {
    const std::vector<int> line = grid.line();
    Schedule schedule(needs.ranks(), needs.users(), 1, Schedule::Pass::backward);
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        bring_shared_gradient_home(schedule, needs, user, line, false);
        for (int place = 0; place < needs.ranks(); ++place) {
            const attention::Tree tree = attention::arms(line, place);
            schedule.propagate(needs, user, tree);
            // Chunks have the edges first: they are what others wait for. The last of them is attended in step n-1.
            bring_gradient_home(schedule, needs, user, tree, needs.ranks());
        }
        sum_sinks(schedule, needs, user, line);
    }
    return schedule;
}

}  // namespace tilemesh::kernels
