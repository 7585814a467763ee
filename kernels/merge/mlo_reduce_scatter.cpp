// SPDX-License-Identifier: Apache-2.0
// Reduce-scatter by heads: the kv heads are divided over the ranks, and the partial results of each part travel to
// the rank that ends with it, merged hop by hop from both ends of the line. Source: reduce-scatter (Thakur,
// Rabenseifner, Gropp 2005) over attention heads. Cost: M/n per part, at most (n-1)M/n on a link each way, hop-bytes
// (n-1)M; nothing is broadcast: each rank writes the output of its own heads. Wins when what follows (the output
// projection) is divided by heads anyway: half the hop-bytes of an all-reduce. Needs as many kv heads as ranks to be
// balanced.
#include "kernels/merge/partial_results.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {

Schedule mlo_reduce_scatter(const NeedSets& needs, const RankGrid& grid) {
    require_replicated(needs, "mlo_reduce_scatter");
    const int n = needs.ranks();
    Schedule schedule(n, needs.users(), n);
    schedule.scatter_results();
    const std::vector<int> line = grid.line();
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int place = 0; place < n; ++place) {
            const int part = line[static_cast<std::size_t>(place)];  // part p ends on rank p
            const attention::Tree tree = attention::arms(line, place);
            std::vector<bool> has;
            for (const int rank : tree.ranks) has.push_back(has_share(needs, user, rank));
            attention::Item result = partial_result(user);
            result.head_part = part;
            schedule.reduce(tree, result, has, 1);
        }
    }
    return schedule;
}

}  // namespace tilemesh::kernels
