// SPDX-License-Identifier: Apache-2.0
// Closed ring, both ways, with the opposite chunk halved: on an even ring the chunk of the rank opposite comes half
// from either side, so that both directions carry the same. Source: bidirectional ring all-gather (Thakur,
// Rabenseifner, Gropp 2005) applied to ring attention. Cost: with a real wrap link the busiest link carries (n-1)C/2,
// hop-bytes n(n-1)C. On an open line the wrap is routed back over it: (n-1)C on every directed link, no gain. Wins
// where the wrap link is real. hamiltonian_ring is the same along a cycle of a grid.
#include "kernels/ring/halved.h"
#include "kernels/schedules.h"

#include <numeric>

namespace tilemesh::kernels {

void halved_ring(Schedule& schedule, const NeedSets& needs, const std::vector<int>& order) {
    const int n = needs.ranks();
    const auto along = [&](int from, int stride, int hops) {
        std::vector<int> ranks;
        for (const int place : attention::walk(n, from, stride, hops).ranks)
            ranks.push_back(order[static_cast<std::size_t>(place)]);
        return attention::path(ranks);
    };
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int place = 0; place < n; ++place) {
            if (n % 2 == 1) {
                schedule.propagate(needs, user, along(place, +1, n / 2));
                schedule.propagate(needs, user, along(place, -1, n / 2));
                continue;
            }
            // Each half goes all the way on its side, and stops one hop short on the other.
            schedule.propagate(needs, user, along(place, +1, n / 2), {0, 2});
            schedule.propagate(needs, user, along(place, -1, n / 2), {1, 2});
            schedule.propagate(needs, user, along(place, +1, n / 2 - 1), {1, 2});
            schedule.propagate(needs, user, along(place, -1, n / 2 - 1), {0, 2});
        }
    }
}

Schedule ring_kv_halved(const NeedSets& needs, const RankGrid&) {
    Schedule schedule(needs.ranks(), needs.users());
    std::vector<int> order(static_cast<std::size_t>(needs.ranks()));
    std::iota(order.begin(), order.end(), 0);
    halved_ring(schedule, needs, order);
    return schedule;
}

}  // namespace tilemesh::kernels
