// SPDX-License-Identifier: Apache-2.0
// The backward pass as a wave out and a wave home: chunks travel both ways along the line as in mesh_kv, as far as
// somebody needs them; their gradients (dk, dv) come back the same way in f32, summed hop by hop, and dq stays.
// Source: this project's wave, with the reduction that is the transpose of its broadcast.
// Cost (C bytes of a chunk, G = 2 C of its gradient when C is f16): hop-bytes n(n-1)(C + G), the least on a line. A
// link carries chunks of the ranks behind it and gradients of the ranks before it: link r -> r+1 has
// (r+1) C + (n-1-r) G, so the busiest directed link carries C + (n-1) G. Causal and contiguous: chunks go east only,
// gradients west only. Wins on an open line whose links bind, where a closed ring pays for its wrap. Where compute
// binds, the last gradient still has up to n-1 hops to go when the last work is done, which the ring's has not.
#include "kernels/backward/return_path.h"
#include "kernels/schedules.h"

#include <algorithm>

namespace tilemesh::kernels {

Schedule mesh_kv_backward(const NeedSets& needs, const RankGrid& grid) {
    const std::vector<int> line = grid.line();
    Schedule schedule(needs.ranks(), needs.users(), 1, Schedule::Pass::backward);
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int place = 0; place < needs.ranks(); ++place) {
            const attention::Tree tree = attention::arms(line, place);
            schedule.propagate(needs, user, tree);
            // A chunk is attended at depth d in step d; the furthest share leaves in the step after that.
            int furthest = 0;
            for (std::size_t node = 1; node < tree.ranks.size(); ++node)
                if (!needs.needed(user, tree.ranks[node], tree.ranks.front()).empty())
                    furthest = std::max(furthest, tree.depth_of(node));
            bring_gradient_home(schedule, needs, user, tree, furthest + 1);
        }
    }
    return schedule;
}

}  // namespace tilemesh::kernels
