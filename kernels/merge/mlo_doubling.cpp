// SPDX-License-Identifier: Apache-2.0
// Recursive doubling: in round k every rank exchanges its partial result with the rank whose number differs in bit k,
// and both merge; after log2 n rounds everybody has the result. Ranks beyond the largest power of two give theirs to
// a partner first and get the result at the end. Source: Thakur, Rabenseifner, Gropp 2005 (all-reduce).
// Cost: log2 n rounds of M per rank, but on a line the exchange of round k crosses 2^k links: n/2 M on the
// middle one, floor(2n/3) M on the busiest. Of p + r ranks, p the largest power of two, the r beyond it add r M:
// min(floor(2p/3) + r, floor(4p/3)) M on the busiest. Wins where hops cost little beside messages: all-to-all
// networks, high per-message latency.
#include "kernels/merge/partial_results.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule mlo_doubling(const NeedSets& needs, const RankGrid&) {
    require_replicated(needs, "mlo_doubling");
    const int n = needs.ranks();
    int power = 1;
    while (2 * power <= n) power *= 2;
    Schedule schedule(n, needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        std::vector<bool> has;
        for (int rank = 0; rank < n; ++rank) has.push_back(has_share(needs, user, rank));
        int step = 1, copy = 1;
        const auto give = [&](int from, int to) {  // `has` is of the step before
            if (!has[static_cast<std::size_t>(from)]) return;
            schedule.transfer(step, from, to, partial_result(user, copy), {}, 0);
            schedule.merge(step, to, partial_result(user), copy);
        };
        const auto joined = [&](int to, int from) {
            return has[static_cast<std::size_t>(to)] || has[static_cast<std::size_t>(from)];
        };
        for (int rank = power; rank < n; ++rank) give(rank, rank - power);
        for (int rank = power; rank < n; ++rank)
            has[static_cast<std::size_t>(rank - power)] = joined(rank - power, rank);
        for (int bit = 1; bit < power; bit *= 2) {
            ++step;
            ++copy;
            std::vector<bool> after = has;
            for (int rank = 0; rank < power; ++rank) {
                give(rank ^ bit, rank);
                after[static_cast<std::size_t>(rank)] = joined(rank, rank ^ bit);
            }
            has = after;
        }
        ++step;
        for (int rank = power; rank < n; ++rank)
            if (has[static_cast<std::size_t>(rank - power)])
                schedule.transfer(step, rank - power, rank, partial_result(user), {}, 0);
    }
    return schedule;
}

}  // namespace tilemesh::kernels
