// SPDX-License-Identifier: Apache-2.0
// Queries travel, K and V stay. Every rank's queries go both ways along the line to the ranks whose keys they see;
// each of those attends them to its own chunk, and partial results (m, l, o) return to the queries' owner: directly
// (pass_q), or hop by hop, merged on the way with what is there (pass_q_merging). Source: pass-Q ring attention
// (Yang et al. 2024, context parallelism for scalable million-token inference).
// Cost (Cq bytes of a rank's queries, Co of their partial results): queries (k+1)Cq on a link; direct return up to
// floor(n^2/4) Co on the middle links; merged return (n-1)Co + Cq on the busiest link, hop-bytes n(n-1)(Cq + Co).
// Wins over passing K and V when queries are few beside the keys, by bytes of queries alone S_q/S_kv below about 2/G,
// sooner with the f32 results that come back: chunked prefill on a long context, not a whole prefill; for decode the
// merges of merge/ are cheaper still.
#include "kernels/schedules.h"

namespace tilemesh::kernels {
namespace {

using attention::Item;
using attention::Tree;

/// Spreads the queries of the tree's root and attends them everywhere; returns which nodes have a partial result.
std::vector<bool> attend_everywhere(Schedule& schedule, const NeedSets& needs, int user, const Tree& tree) {
    const int owner = tree.ranks.front();
    std::vector<bool> has;
    std::vector<attention::Ranges> wanted;
    schedule.attend_shared(0, needs, user, owner);
    const std::vector<int> depths = tree.depths();
    for (std::size_t node = 0; node < tree.ranks.size(); ++node) {
        const int rank = tree.ranks[node];
        wanted.push_back(needs.needed(user, owner, rank));
        has.push_back(!wanted.back().empty());
        schedule.attend(depths[node], rank, owner, {.user = user, .id = rank}, wanted.back());
        if (has.back()) wanted.back() = {{0, 1}};  // all of the queries; which keys they see is another matter
    }
    schedule.spread({.kind = Item::Kind::queries, .user = user, .id = owner}, tree, std::move(wanted));
    return has;
}

template <class Return>
Schedule passing_queries(const NeedSets& needs, const RankGrid& grid, const Return& give_back) {
    const int n = needs.ranks();
    Schedule schedule(n, needs.users());
    const std::vector<int> line = grid.line();
    for (int user = 0; user < needs.users(); ++user)
        for (int place = 0; place < n; ++place) {
            const int owner = line[static_cast<std::size_t>(place)];
            const Tree tree = attention::arms(line, place);
            const std::vector<bool> has = attend_everywhere(schedule, needs, user, tree);
            give_back(schedule, tree, has, Item{.kind = Item::Kind::state, .user = user, .id = owner});
        }
    return schedule;
}

}  // namespace

Schedule pass_q(const NeedSets& needs, const RankGrid& grid) {
    return passing_queries(needs, grid,
                           [](Schedule& schedule, const Tree& tree, const std::vector<bool>& has, Item result) {
                               const std::vector<int> depths = tree.depths();
                               for (std::size_t node = 1; node < tree.ranks.size(); ++node) {
                                   if (!has[node]) continue;
                                   const int step = depths[node] + 1;
                                   result.copy = static_cast<int>(node);  // a register of its own for every rank
                                   schedule.transfer(step, tree.ranks[node], tree.ranks.front(), result, {}, 0);
                                   const int from_copy = std::exchange(result.copy, 0);
                                   schedule.merge(step, tree.ranks.front(), result, from_copy);
                               }
                           });
}

Schedule pass_q_merging(const NeedSets& needs, const RankGrid& grid) {
    return passing_queries(
        needs, grid, [&](Schedule& schedule, const Tree& tree, const std::vector<bool>& has, Item result) {
            schedule.reduce(tree, result, has, needs.ranks());  // every attend has a step below that
        });
}

}  // namespace tilemesh::kernels
