// SPDX-License-Identifier: Apache-2.0
// Heads inside a group, rings across groups: ranks form groups of g; inside a group queries, keys and values are
// exchanged all to all, so that member i holds the group's tokens of head part i; each part's chunks then go round
// the members i of all groups, both ways, and results return to the queries' owners. Source: DeepSpeed Ulysses
// (Jacobs et al. 2023) inside, ring attention outside, as combined by USP (Fang and Zhao 2024). Cost: 1/g of a ring's
// bytes between groups, and (g-1)/g (Cq + C + Co) per rank inside a group; g = n is Ulysses alone (`ulysses`): no
// ring. Wins when links inside a group are better than those between; needs g kv heads.
#include "kernels/head_parallel/head_ring.h"

#include "kernels/schedules.h"

#include <fmt/core.h>

namespace tilemesh::kernels {
namespace {

using attention::Item;
using attention::Ranges;
using attention::Tree;

/// Ranks of a group: a row of the grid, or on a single row or column the largest proper divisor of n up to its root.
int group_size(const RankGrid& grid) {
    const int n = grid.ranks();
    if (grid.rows > 1 && grid.cols > 1 && !grid.not_full()) return grid.cols;
    int size = 1;
    for (int g = 2; g * g <= n; ++g)
        if (n % g == 0) size = g;
    return size;
}

class HeadRing {
public:
    HeadRing(const NeedSets& needs, int members)
        : needs_(needs), members_(members), schedule_(needs.ranks(), needs.users(), members) {}

    Schedule table() {
        for (user_ = 0; user_ < needs_.users(); ++user_)
            for (int rank = 0; rank < needs_.ranks(); ++rank)
                for (int part = 0; part < members_; ++part) {
                    spread_chunk(rank, part);
                    exchange_queries(rank, part);
                }
        return schedule_;
    }

private:
    int group_of(int rank) const { return rank / members_; }
    /// The member of a group that works on a head part.
    int worker(int group, int part) const { return group * members_ + part; }
    int groups() const { return needs_.ranks() / members_; }
    int work_step() const { return needs_.ranks() + 2; }  // by then everything has come

    /// From its rank to the worker of its own group, from there both ways round the workers of the others.
    Tree way_of(int rank, int part) const {
        Tree tree{{rank}, {-1}};
        const int home = worker(group_of(rank), part);
        if (home != rank) tree = {{rank, home}, {-1, 0}};
        const int first = static_cast<int>(tree.ranks.size()) - 1;
        for (const int stride : {+1, -1}) {
            const int hops = stride > 0 ? groups() / 2 : (groups() - 1) / 2;
            for (int hop = 1; hop <= hops; ++hop) {
                tree.parents.push_back(hop == 1 ? first : static_cast<int>(tree.ranks.size()) - 1);
                const int group = ((group_of(rank) + stride * hop) % groups() + groups()) % groups();
                tree.ranks.push_back(worker(group, part));
            }
        }
        return tree;
    }

    void spread_chunk(int origin, int part) {
        const Item chunk{.user = user_, .id = origin, .head_part = part};
        const Tree tree = way_of(origin, part);
        std::vector<Ranges> needed;
        for (const int rank : tree.ranks) {
            Ranges all;
            if (rank == worker(group_of(rank), part))
                for (int member = 0; member < members_; ++member) {
                    const int owner = worker(group_of(rank), member);
                    const Ranges& keys = needs_.needed(user_, owner, origin);
                    schedule_.attend(work_step(), rank, owner, chunk, keys);
                    all.append(keys);
                }
            needed.push_back(std::move(all));
        }
        schedule_.spread(chunk, tree, std::move(needed));
    }

    void exchange_queries(int owner, int part) {
        const int rank = worker(group_of(owner), part);
        // Keys that every rank has are attended where the queries are worked on.
        schedule_.attend(work_step(), rank, owner, {.user = user_, .id = needs_.shared_id(), .head_part = part},
                         needs_.needed(user_, owner, needs_.shared_id()));
        bool any = false;
        for (int origin = 0; origin <= needs_.shared_id(); ++origin)
            any = any || !needs_.needed(user_, owner, origin).empty();
        if (rank == owner || !any) return;
        schedule_.transfer(1, owner, rank, {Item::Kind::queries, user_, owner, 0, part});
        schedule_.transfer(work_step() + 1, rank, owner, {Item::Kind::state, user_, owner, 0, part});
    }

    const NeedSets& needs_;
    int members_;
    Schedule schedule_;
    int user_ = 0;
};

std::optional<std::string> too_few_heads(int members, std::int64_t heads) {
    if (heads >= members) return {};
    return fmt::format("it divides the kv heads of every PE over groups of {} ranks, and a PE has {} here", members,
                       heads);
}

}  // namespace

std::optional<std::string> head_ring_refuses(const attention::Problem&, const RankGrid& grid, std::int64_t heads) {
    if (group_size(grid) < 2 && grid.ranks() > 1)
        return fmt::format("it needs two or more groups of equal size, of two or more ranks each, and {} is prime",
                           grid.ranks());
    return too_few_heads(group_size(grid), heads);
}

std::optional<std::string> ulysses_refuses(const attention::Problem&, const RankGrid& grid, std::int64_t heads) {
    return too_few_heads(grid.ranks(), heads);
}

Schedule head_ring(const NeedSets& needs, const RankGrid& grid) { return HeadRing(needs, group_size(grid)).table(); }

Schedule ulysses(const NeedSets& needs, const RankGrid&) { return HeadRing(needs, needs.ranks()).table(); }

}  // namespace tilemesh::kernels
