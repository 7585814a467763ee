// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/side_by_side.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace tilemesh::kernels {

namespace {

using attention::Action;
using attention::Item;
using attention::Schedule;

/// In which order users are worked on, by user: the one with the fewest keys first, if they are fewer than those of
/// the first by a fold on every rank. Then the array begins with them while the others are on their way.
std::vector<int> places_of_users(const Schedule& schedule, std::int64_t fold_keys) {
    std::vector<std::int64_t> keys(static_cast<std::size_t>(schedule.users()));
    for (int rank = 0; rank < schedule.ranks(); ++rank)
        for (const Action& action : schedule.program(rank))
            if (action.kind == Action::Kind::attend && action.item.head_part == 0)
                keys[static_cast<std::size_t>(action.item.user)] += attention::total(action.keys);
    const auto fewest = std::min_element(keys.begin(), keys.end());
    const bool first = keys.front() >= *fewest + fold_keys * schedule.ranks();
    const auto user = first ? static_cast<int>(fewest - keys.begin()) : 0;
    std::vector<int> places;
    for (int other = 0; other < schedule.users(); ++other)
        places.push_back(other == user ? 0 : other < user ? other + 1 : other);
    return places;
}

/// Does a rank send a partial result in one step and again in the next?
bool sends_on_and_on(const Schedule& schedule) {
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        std::map<std::pair<int, int>, int> last;  // step, by user and part
        for (const Action& action : schedule.program(rank)) {
            if (action.kind != Action::Kind::send) continue;
            const auto [before, first] = last.try_emplace({action.item.user, action.item.head_part}, action.step);
            if (!first && action.step == before->second + 1) return true;
            before->second = action.step;
        }
    }
    return false;
}

/// Registers of a rank that others wait for: they are sent, or a merge reads what was merged into them. Also those
/// into which something is merged that is overwritten later.
std::set<Item> that_move_on(const std::vector<Action>& program) {
    std::set<Item> move_on, merged;
    std::map<Item, std::set<Item>> readers;  // registers that it was merged into
    for (const Action& action : program) {
        Item other = action.item;
        other.copy = action.other;
        if (action.kind == Action::Kind::send) move_on.insert(other);
        if (action.kind != Action::Kind::merge && action.kind != Action::Kind::receive) continue;
        move_on.merge(readers[action.item]);
        if (action.kind == Action::Kind::receive) continue;
        if (merged.count(other) > 0) move_on.insert(other);
        readers[other].insert(action.item);
        merged.insert(action.item);
    }
    return move_on;
}

}  // namespace

bool merges_only(const Schedule& schedule) {
    bool merges = false;
    for (int rank = 0; rank < schedule.ranks(); ++rank)
        for (const Action& action : schedule.program(rank)) {
            if (action.kind == Action::Kind::attend) continue;
            if (action.item.kind != Item::Kind::state || action.kind == Action::Kind::fence) return false;
            merges = true;
        }
    return merges;
}

std::vector<Issue> side_by_side(int rank, const Schedule& schedule, std::int64_t fold_keys,
                                const std::vector<Issue>& order) {
    std::vector<Issue> work, steps;
    double begin = 0;
    for (const Issue& issue : order) {
        if (issue.action->kind != Action::Kind::attend) continue;
        work.push_back(issue);
        begin = std::max(begin, issue.end);
    }
    const std::vector<int> places = places_of_users(schedule, fold_keys);
    const auto place_of = [&](const Issue& issue) {
        return places[static_cast<std::size_t>(issue.action->item.user)];
    };
    std::stable_sort(work.begin(), work.end(),
                     [&](const Issue& a, const Issue& b) { return place_of(a) < place_of(b); });
    std::set<std::pair<int, int>> sends;  // rank, step
    for (int sender = 0; sender < schedule.ranks(); ++sender)
        for (const Action& action : schedule.program(sender))
            if (action.kind == Action::Kind::send) sends.emplace(sender, action.step);
    // What is merged into a register that does not move on: at once, when the last of it is there, so that it holds
    // up nothing that does. A user alone has nothing else to hold up: as soon as it has come.
    const std::set<Item> move_on = that_move_on(schedule.program(rank));
    std::map<Item, int> last_merge, received;
    for (const Action& action : schedule.program(rank)) {
        if (action.kind == Action::Kind::receive) received[action.item] = action.step;
        if (action.kind == Action::Kind::merge) last_merge[action.item] = action.step;
    }
    const auto merge_step = [&](const Action& action) {
        Item other = action.item;
        other.copy = action.other;
        if (move_on.count(action.item) > 0) return action.step;
        return schedule.users() > 1 || received.count(other) == 0 ? last_merge.at(action.item) : received.at(other);
    };
    const bool ahead = schedule.state_format().sent == attention::StateFormat::Sent::mlo;
    // Six places a step: maxima of this step are taken, those of the next are sent, what is left is sent, maxima are
    // sent where the rank had that to send, what is left is merged, and all is sent that needs it.
    constexpr int in_step = 6;
    const auto when = [&](const Action& action, StatePart part) {
        const bool maximum = part == StatePart::maximum;
        if (!action.moves()) return in_step * merge_step(action) + (maximum ? 0 : 4);
        if (!maximum) return in_step * action.step + 2;
        const int sender = ends_of_row(schedule, action, rank).first;
        const int sent = !ahead ? 5 : sends.count({sender, action.step - 1}) > 0 ? 3 : 1;
        return in_step * (action.step - 1) + sent;
    };
    // Parts of the heads, whose results come one after the other, take turns, and where links are in use step after
    // step so do users.
    const bool turns = sends_on_and_on(schedule);
    for (const Issue& issue : order) {
        if (issue.action->kind == Action::Kind::attend) continue;
        const int turn = issue.action->item.head_part + (turns ? place_of(issue) : 0);
        for (const StatePart part : {StatePart::maximum, StatePart::rest}) {
            Issue& next = steps.emplace_back(issue);
            next.part = part;
            next.time = next.end = next.ready = begin + when(*issue.action, part) + in_step * turn;
        }
    }
    const auto place = [&](const Issue& issue) {
        const Action& action = *issue.action;
        const bool moves = action.moves();
        const auto [from, to] = moves ? ends_of_row(schedule, action, rank) : std::pair(0, 0);
        const bool stays = !moves && move_on.count(action.item) == 0;
        // Several merges into one register next to each other, in the order in which what they merge would come.
        return std::tuple(issue.time, moves ? 0 : 1, stays, from, to, place_of(issue), action.item,
                          moves ? issue.piece : 0);
    };
    std::stable_sort(steps.begin(), steps.end(), [&](const Issue& a, const Issue& b) { return place(a) < place(b); });
    work.insert(work.end(), steps.begin(), steps.end());
    return work;
}

}  // namespace tilemesh::kernels
