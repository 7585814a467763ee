// SPDX-License-Identifier: Apache-2.0
#include "kernels/backward/return_path.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

using attention::Item;
using attention::Ranges;
using attention::Tree;

namespace {

/// The gradient of chunk `origin` comes to the root of the tree.
void bring_home(attention::Schedule& schedule, const attention::NeedSets& needs, int user, int origin,
                const Tree& homeward, int first_step) {
    const std::size_t nodes = homeward.ranks.size();
    // A node is on the way when it or one behind it has attended some of the chunk.
    std::vector<bool> on_the_way(nodes);
    for (std::size_t node = nodes; node-- > 1;) {
        if (on_the_way[node] || !needs.needed(user, homeward.ranks[node], origin).empty()) {
            on_the_way[node] = true;
            on_the_way[static_cast<std::size_t>(homeward.parents[node])] = true;
        }
    }
    Tree tree{{homeward.ranks.front()}, {-1}};
    std::vector<Ranges> keys(1);  // what the root has added itself is there already
    std::vector<int> numbers(nodes, 0);
    for (std::size_t node = 1; node < nodes; ++node) {
        if (!on_the_way[node]) continue;
        numbers[node] = static_cast<int>(tree.ranks.size());
        tree.ranks.push_back(homeward.ranks[node]);
        tree.parents.push_back(numbers[static_cast<std::size_t>(homeward.parents[node])]);
        keys.push_back(needs.needed(user, homeward.ranks[node], origin));
    }
    schedule.reduce(tree, {.kind = Item::Kind::gradient, .user = user, .id = origin}, std::move(keys), first_step);
}

}  // namespace

void bring_gradient_home(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
                         const Tree& homeward, int first_step) {
    bring_home(schedule, needs, user, homeward.ranks.front(), homeward, first_step);
}

void bring_shared_gradient_home(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
                                const std::vector<int>& row, bool wraps) {
    const auto home = std::find(row.begin(), row.end(), needs.home_of(needs.shared_id()));
    const Tree tree = attention::arms(row, static_cast<int>(home - row.begin()), wraps);
    bring_home(schedule, needs, user, needs.shared_id(), tree, 1);  // they are attended first of all
}

void sum_sinks(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
               const std::vector<int>& row) {
    if (!needs.has_sinks()) return;
    // Both ways to rank 0, wherever in the row it stands. The sums are there before the first keys are attended.
    const auto at = static_cast<int>(std::find(row.begin(), row.end(), 0) - row.begin());
    const Tree tree = attention::arms(row, at);
    schedule.reduce(tree, {.kind = Item::Kind::sinks, .user = user}, std::vector<bool>(row.size(), true), 1);
}

}  // namespace tilemesh::kernels
