// SPDX-License-Identifier: Apache-2.0
// Entering rows into a schedule's table, each at its place in the program order.
#include "sim/attention/schedule.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace tilemesh::attention {

std::string name_of(const Item& item) {
    std::string part = item.head_part > 0 ? fmt::format(" head part {}", item.head_part) : "";
    switch (item.kind) {
        case Item::Kind::chunk:
            return fmt::format("chunk {} of user {}{}", item.id, item.user, part);
        case Item::Kind::queries:
            return fmt::format("queries {} of user {}{}", item.id, item.user, part);
        case Item::Kind::state:
            return fmt::format("register {} of queries {} of user {}{}", item.copy, item.id, item.user, part);
        case Item::Kind::gradient:
            return fmt::format("gradient register {} of chunk {} of user {}{}", item.copy, item.id, item.user, part);
        case Item::Kind::sinks:
            return fmt::format("register {} of the gradient of the sinks of user {}{}", item.copy, item.user, part);
    }
    return {};
}

std::vector<int> Tree::depths() const {
    std::vector<int> depths;
    for (const int parent : parents) depths.push_back(parent < 0 ? 0 : depths[static_cast<std::size_t>(parent)] + 1);
    return depths;
}

Tree path(const std::vector<int>& ranks) {
    Tree tree{.ranks = ranks, .parents = {}};
    for (std::size_t node = 0; node < ranks.size(); ++node) tree.parents.push_back(static_cast<int>(node) - 1);
    return tree;
}

Tree copied(Tree tree) {
    for (std::size_t node = 1; node < tree.parents.size(); ++node) tree.parents[node] = 0;
    tree.copies = true;
    return tree;
}

Tree arms(const std::vector<int>& row, int at, bool wraps) {
    const int n = static_cast<int>(row.size());
    Tree tree{.ranks = {row[static_cast<std::size_t>(at)]}, .parents = {-1}};
    for (const int stride : {+1, -1}) {
        const int to_the_end = stride > 0 ? n - 1 - at : at;
        const int hops = !wraps ? to_the_end : stride > 0 ? n / 2 : (n - 1) / 2;
        for (int hop = 1; hop <= hops; ++hop) {
            tree.parents.push_back(hop == 1 ? 0 : static_cast<int>(tree.ranks.size()) - 1);
            tree.ranks.push_back(row[static_cast<std::size_t>((at + stride * hop + n) % n)]);
        }
    }
    return tree;
}

Tree walk(int ranks, int from, int stride, int hops) {
    std::vector<int> visited;
    for (int hop = 0; hop <= hops; ++hop) visited.push_back((((from + stride * hop) % ranks) + ranks) % ranks);
    return path(visited);
}

void Schedule::enter(int rank, Action action) {
    programs_[static_cast<std::size_t>(rank)].push_back(std::move(action));
    in_order_ = false;
}

void Schedule::put_in_order() const {
    // By step, then by kind, which is declared in this order, then as they were entered. Rows are large: only their
    // places are sorted.
    struct Place {
        std::int32_t step;
        Action::Kind kind;
        std::uint32_t row;
        auto operator<=>(const Place&) const = default;
    };
    std::vector<Place> places;
    std::vector<Action> ordered;
    for (auto& program : programs_) {
        places.clear();
        for (const Action& action : program)
            places.push_back({action.step, action.kind, static_cast<std::uint32_t>(places.size())});
        if (std::is_sorted(places.begin(), places.end())) continue;
        std::sort(places.begin(), places.end());
        ordered.clear();
        ordered.reserve(program.size());
        for (const Place& place : places) ordered.push_back(std::move(program[place.row]));
        program = std::move(ordered);
    }
    in_order_ = true;
}

bool Schedule::moves(Item::Kind kind, int rank) const {
    const std::vector<Action>& rows = program(rank);
    return std::any_of(rows.begin(), rows.end(),
                       [kind](const Action& row) { return row.moves() && row.item.kind == kind; });
}

bool Schedule::moves_keys_alone() const {
    return std::all_of(programs().begin(), programs().end(), [](const std::vector<Action>& rows) {
        return std::all_of(rows.begin(), rows.end(),
                           [](const Action& row) { return !row.moves() || row.item.kind == Item::Kind::chunk; });
    });
}

bool Schedule::moves_results_alone() const {
    bool some = false;
    for (const std::vector<Action>& rows : programs())
        for (const Action& row : rows) {
            if (row.kind == Action::Kind::attend) continue;
            if (row.item.kind != Item::Kind::state || row.kind == Action::Kind::fence) return false;
            some = true;
        }
    return some;
}

void Schedule::attend(int step, int rank, int owner, const Item& chunk, Ranges keys) {
    if (keys.empty()) return;
    Action action{.kind = Action::Kind::attend, .item = chunk, .keys = std::move(keys), .step = step};
    action.owner = owner;
    enter(rank, std::move(action));
}

void Schedule::transfer(int step, int from, int to, const Item& item, Ranges keys, int from_copy) {
    Action action{.kind = Action::Kind::send, .item = item, .keys = std::move(keys), .peer = to, .step = step};
    if (item.is_register()) action.other = from_copy;
    enter(from, action);
    action.kind = Action::Kind::receive;
    action.peer = from;
    action.other = -1;
    enter(to, std::move(action));
}

void Schedule::multicast(int step, int from, const std::vector<int>& to, const Item& item, const Ranges& keys) {
    if (to.size() == 1) return transfer(step, from, to.front(), item, keys);
    Action action{.kind = Action::Kind::send, .item = item, .keys = keys, .step = step};
    action.multicast = static_cast<std::int32_t>(multicasts_.size());
    multicasts_.push_back(to);
    for (const int receiver : to) {
        action.peer = receiver;
        enter(from, action);
    }
    action.kind = Action::Kind::receive;
    action.peer = from;
    for (const int receiver : to) enter(receiver, action);
}

void Schedule::merge(int step, int rank, const Item& into, int from_copy, Ranges keys) {
    enter(rank,
          {.kind = Action::Kind::merge, .item = into, .keys = std::move(keys), .other = from_copy, .step = step});
}

void Schedule::fence(int step, int rank) { enter(rank, {.kind = Action::Kind::fence, .step = step}); }

void Schedule::attend_own(const NeedSets& needs, int user) {
    for (int rank = 0; rank < ranks(); ++rank) {
        for (int part = 0; part < head_parts_; ++part)
            attend(0, rank, needs.owner_of(rank), {.user = user, .id = rank, .head_part = part},
                   needs.needed(user, rank, rank));
        attend_shared(0, needs, user, rank);
    }
}

void Schedule::attend_shared(int step, const NeedSets& needs, int user, int rank) {
    const Ranges keys = needs.shared_share(user, rank);
    for (int part = 0; part < head_parts_; ++part)
        attend(step, rank, needs.owner_of(rank), {.user = user, .id = needs.shared_id(), .head_part = part}, keys);
}

void Schedule::spread_copies(const Item& item, const Tree& tree, const std::vector<Ranges>& needed, int step) {
    if (item.kind == Item::Kind::queries) {
        std::vector<int> to;
        for (std::size_t node = 1; node < needed.size(); ++node)
            if (!needed[node].empty()) to.push_back(tree.ranks[node]);
        if (!to.empty()) multicast(step, tree.ranks.front(), to, item, {});
        return;
    }
    // By the ranks that need them: the keys. Between two ends of ranges all are needed by the same.
    std::map<std::int64_t, std::vector<std::pair<std::size_t, bool>>> ends;  // by key: of whom, and whether it begins
    for (std::size_t node = 1; node < needed.size(); ++node)
        for (const Range& range : united(needed[node])) {
            ends[range.begin].emplace_back(node, true);
            ends[range.end].emplace_back(node, false);
        }
    std::set<std::size_t> nodes;
    std::vector<std::pair<std::set<std::size_t>, Ranges>> parts;  // in the order of their first keys
    std::map<std::set<std::size_t>, std::size_t> places;
    std::int64_t begin = 0;
    for (const auto& [key, changes] : ends) {
        if (!nodes.empty()) {
            const auto [place, is_new] = places.try_emplace(nodes, parts.size());
            if (is_new) parts.emplace_back(nodes, Ranges{});
            parts[place->second].second.push_back({begin, key});
        }
        begin = key;
        for (const auto& [node, begins] : changes) {
            if (begins) {
                nodes.insert(node);
            } else {
                nodes.erase(node);
            }
        }
    }
    for (const auto& [receivers, keys] : parts) {
        std::vector<int> to;
        for (const std::size_t node : receivers) to.push_back(tree.ranks[node]);
        multicast(step, tree.ranks.front(), to, item, united(keys));
    }
}

void Schedule::spread(const Item& item, const Tree& tree, std::vector<Ranges> needed, int first_step) {
    if (tree.copies) return spread_copies(item, tree, needed, first_step);
    for (std::size_t node = needed.size(); node-- > 1;) {  // children come after their parents
        needed[node] = united(std::move(needed[node]));
        auto& above = needed[static_cast<std::size_t>(tree.parents[node])];
        above.append(needed[node]);
    }
    const bool whole = item.kind == Item::Kind::queries;
    const std::vector<int> depths = tree.depths();
    for (std::size_t node = 1; node < needed.size(); ++node)
        if (!needed[node].empty())
            transfer(first_step + depths[node] - 1, tree.ranks[static_cast<std::size_t>(tree.parents[node])],
                     tree.ranks[node], item, whole ? Ranges{} : needed[node]);
}

void Schedule::propagate(const NeedSets& needs, int user, const Tree& tree, Share share, int attend_step) {
    const int origin = tree.ranks.front();
    const Item chunk{.user = user, .id = origin};
    const Ranges shared{contiguous_part(needs.keys(user, origin).size(), share.parts, share.index)};
    const std::vector<int> depths = tree.depths();
    std::vector<Ranges> needed(1);
    for (std::size_t node = 1; node < tree.ranks.size(); ++node) {
        const int rank = tree.ranks[node];
        needed.push_back(intersection(needs.needed(user, rank, origin), shared));
        attend(attend_step < 0 ? depths[node] : attend_step, rank, needs.owner_of(rank), chunk, needed.back());
    }
    spread(chunk, tree, std::move(needed));
}

void Schedule::reduce(const Tree& tree, Item item, const std::vector<bool>& has, int first_step) {
    std::vector<Ranges> holds;
    for (const bool one : has) holds.push_back(one ? Ranges{{0, 1}} : Ranges{});
    reduce(tree, item, std::move(holds), first_step);
}

void Schedule::reduce(const Tree& tree, Item item, std::vector<Ranges> holds, int first_step) {
    const std::size_t nodes = tree.ranks.size();
    const bool whole = item.kind != Item::Kind::gradient;  // whatever it holds
    const std::vector<int> depths = tree.depths();
    const int deepest = depths.empty() ? 0 : *std::max_element(depths.begin(), depths.end());
    std::vector<int> incoming(nodes, 0);  // registers taken at a node by what came from its children
    for (std::size_t node = nodes; node-- > 1;) {
        if (holds[node].empty()) continue;
        const auto parent = static_cast<std::size_t>(tree.parents[node]);
        const int step = first_step + deepest - depths[node];
        const Ranges keys = whole ? Ranges{} : united(holds[node]);
        item.copy = ++incoming[parent];
        transfer(step, tree.ranks[node], tree.ranks[parent], item, keys, 0);
        const int from_copy = item.copy;
        item.copy = 0;
        merge(step, tree.ranks[parent], item, from_copy, keys);
        holds[parent].append(holds[node]);
    }
}

}  // namespace tilemesh::attention
