// SPDX-License-Identifier: Apache-2.0
#include "kernels/merge/partial_results.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::kernels {

void require_replicated(const attention::NeedSets& needs, std::string_view kernel) {
    if (!needs.queries_replicated()) fail<InternalError>("{} needs need-sets with replicated queries", kernel);
}

void reduce_and_broadcast(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
                          const attention::Tree& tree) {
    std::vector<bool> has;
    for (const int rank : tree.ranks) has.push_back(has_share(needs, user, rank));
    if (std::none_of(has.begin(), has.end(), [](bool share) { return share; })) return;
    schedule.reduce(tree, partial_result(user), has, 1);
    const int down = needs.ranks();  // no way up is longer
    const std::vector<int> depths = tree.depths();
    for (std::size_t node = 1; node < tree.ranks.size(); ++node)
        schedule.transfer(down + depths[node], tree.ranks[static_cast<std::size_t>(tree.parents[node])],
                          tree.ranks[node], partial_result(user), {}, 0);
}

}  // namespace tilemesh::kernels
