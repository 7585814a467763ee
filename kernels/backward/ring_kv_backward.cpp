// SPDX-License-Identifier: Apache-2.0
// The backward pass on a closed ring, one way: K and V go round as in ring_kv, and behind them their gradient (dk,
// dv) in f32, to which every rank adds; dq stays. Source: ring attention (Liu, Zaharia, Abbeel 2023), its backward
// pass. Cost: a chunk makes n-1 hops. Its gradient too: what the owner adds itself stays at home, so the gradient
// begins at the chunk's first hop and comes home with hop n. With G = 2 C of f32 beside C of f16, each link of a
// native ring carries (n-1)(C + G) one way; the owner of the last share sends it home directly, which is one hop of
// the ring when all ranks need the chunk, and the shortest way when the mask lets only some of them see it. Wins on
// rings and tori, where it needs buffers for one direction only and dk, dv are never further from home than their
// chunk.
#include "kernels/backward/return_path.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule ring_kv_backward(const NeedSets& needs, const RankGrid& grid) {
    const int n = needs.ranks();
    Schedule schedule(n, needs.users(), 1, Schedule::Pass::backward);
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        bring_shared_gradient_home(schedule, needs, user, attention::walk(n, 0, +1, n - 1).ranks, true);
        for (int origin = 0; origin < n; ++origin) {
            const attention::Tree outward = attention::walk(n, origin, +1, n - 1);
            schedule.propagate(needs, user, outward);
            // The last rank that attends the chunk is the origin's neighbour on the way home.
            std::vector<int> homeward{origin};
            int last = n - 1;
            const auto needed_at = [&](int hop) {
                return !needs.needed(user, outward.ranks[static_cast<std::size_t>(hop)], origin).empty();
            };
            while (last > 0 && !needed_at(last)) --last;
            for (int hop = last; hop > 0; --hop) homeward.push_back(outward.ranks[static_cast<std::size_t>(hop)]);
            int first = 1;
            while (first < last && !needed_at(first)) ++first;
            // The share of hop h is made in step h and leaves in step h + 1, behind the chunk.
            bring_gradient_home(schedule, needs, user, attention::path(homeward), first + 1);
        }
        sum_sinks(schedule, needs, user, grid.line());
    }
    return schedule;
}

}  // namespace tilemesh::kernels
