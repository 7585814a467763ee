// SPDX-License-Identifier: Apache-2.0
// Entering rows into a schedule's table, each at its place in the program order.
#include "sim/attention/schedule.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace tilemesh::attention {

std::string name_of(const Item& item) {
    return fmt::format("{} {} of user {}", item.kind == Item::Kind::chunk ? "chunk" : "register", item.id, item.user);
}

void Schedule::enter(int rank, const Action& action) {
    const auto place = [](const Action& a) { return std::pair(a.step, a.kind); };  // Kind is declared in this order
    auto& program = programs_[static_cast<std::size_t>(rank)];
    const auto after = std::upper_bound(program.begin(), program.end(), action,
                                        [&](const Action& a, const Action& b) { return place(a) < place(b); });
    program.insert(after, action);
}

void Schedule::attend(int step, int rank, int user, int origin) {
    enter(rank, {.kind = Action::Kind::attend, .item = {Item::Kind::chunk, user, origin}, .step = step});
}

void Schedule::transfer(int step, int from, int to, Item item) {
    enter(from, {.kind = Action::Kind::send, .item = item, .peer = to, .step = step});
    enter(to, {.kind = Action::Kind::receive, .item = item, .peer = from, .step = step});
}

void Schedule::merge(int step, int rank, int user, int into, int from) {
    enter(rank, {.kind = Action::Kind::merge, .item = {Item::Kind::state, user, into}, .other = from, .step = step});
}

void Schedule::attend_own(const NeedSets& needs, int user) {
    for (int rank = 0; rank < ranks(); ++rank)
        if (needs.need(user, rank, rank) != Visible::none) attend(0, rank, user, rank);
}

void Schedule::propagate(const NeedSets& needs, int user, const std::vector<int>& path, int first_step) {
    const int origin = path.front();
    const auto needed = [&](std::size_t hop) { return needs.need(user, path[hop], origin) != Visible::none; };
    std::size_t last = path.size() - 1;
    while (last > 0 && !needed(last)) --last;
    for (std::size_t hop = 1; hop <= last; ++hop) {
        const int step = first_step + static_cast<int>(hop) - 1;
        transfer(step, path[hop - 1], path[hop], {Item::Kind::chunk, user, origin});
        if (needed(hop)) attend(step, path[hop], user, origin);
    }
}

std::vector<int> walk(int ranks, int from, int stride, int hops) {
    std::vector<int> path;
    for (int hop = 0; hop <= hops; ++hop) path.push_back((((from + stride * hop) % ranks) + ranks) % ranks);
    return path;
}

}  // namespace tilemesh::attention
