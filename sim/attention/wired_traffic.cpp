// SPDX-License-Identifier: Apache-2.0
// Bytes on the links of a machine, of all members of the ranks (bounds.h).
#include "sim/attention/bounds.h"

#include <utility>

namespace tilemesh::attention {

LinkTraffic wired_traffic(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                          const Wiring& wiring) {
    LinkTraffic traffic;
    std::int64_t heads_before = 0;
    WayBytes ways;  // of members with as many heads as the one before
    for (int member = 0; member < wiring.members; ++member) {
        const std::int64_t heads_kv = contiguous_part(problem.heads_kv, wiring.members, member).size();
        if (heads_kv == 0) break;  // longer parts come first, so the rest is empty too
        if (std::exchange(heads_before, heads_kv) != heads_kv)
            ways = way_bytes(schedule, [&](const Action& transfer) {
                return transfer_bytes(problem, needs, schedule, transfer, heads_kv);
            });
        add_traffic(traffic, ways, [&](int from, int to) { return wiring.route(member, from, to); });
    }
    return traffic;
}

}  // namespace tilemesh::attention
