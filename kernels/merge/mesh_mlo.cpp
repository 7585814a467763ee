// SPDX-License-Identifier: Apache-2.0
// Partial results move, K and V stay. Every rank has all queries, attends its own chunk once, and the states (m, l,
// o) are merged along the line both ways at once: an eastward prefix and a westward suffix, so that every rank ends
// with prefix + own + suffix. Source: the merge of flash-decoding (Dao et al. 2023) as a two-way scan over a line.
// Cost: n-1 states of M bytes each way, M per link and direction, hop-bytes 2(n-1)M, time (n-1)(M/B + a + merge)
// (one merge more when n is odd: the middle rank gets both states at once).
// Wins in decode: M is tens of KiB where the chunks are tens of MiB. Loses as soon as queries are as many as keys.
#include "kernels/merge/partial_results.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {
namespace {

/// One scan along the line. Two registers alternate along it, so that what a rank received stays
/// intact beside what it sends on. The neighbour's message is made first; the rank's own result waits for the next
/// step. Ranks without a share of their own only forward; before the first share there is nothing to send.
void scan(Schedule& schedule, const NeedSets& needs, int user, const std::vector<int>& line, int registers) {
    bool carries = false;
    for (int hop = 0; hop < needs.ranks(); ++hop) {
        const auto place = static_cast<std::size_t>(hop);
        const int rank = line[place];
        const int arrives = registers + (hop + 1) % 2;
        const int leaves = registers + hop % 2;
        const bool last = hop + 1 == needs.ranks();
        const bool shares = has_share(needs, user, rank);
        // A copy of the rank's own result, before anything joins register 0.
        if (shares && !last) schedule.merge(0, rank, partial_result(user, leaves), 0);
        if (carries && !last) schedule.merge(hop, rank, partial_result(user, leaves), arrives);
        if (carries) schedule.merge(last ? hop : hop + 1, rank, partial_result(user), arrives);
        carries = carries || shares;
        if (carries && !last)
            schedule.transfer(hop + 1, rank, line[place + 1], partial_result(user, leaves), {}, leaves);
    }
}

}  // namespace

Schedule mesh_mlo(const NeedSets& needs, const RankGrid& grid) {
    const std::vector<int> eastward = grid.line(), westward(eastward.rbegin(), eastward.rend());
    require_replicated(needs, "mesh_mlo");
    Schedule schedule(needs.ranks(), needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        scan(schedule, needs, user, eastward, 1);
        scan(schedule, needs, user, westward, 3);
    }
    return schedule;
}

}  // namespace tilemesh::kernels
