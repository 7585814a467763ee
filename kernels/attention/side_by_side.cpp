// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/side_by_side.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

namespace tilemesh::kernels {

namespace {

using attention::Action;
using attention::Item;
using attention::Schedule;
using attention::TimedAction;

/// In which order users are worked on, by user: those with fewer keys first, by folds of the array on every rank.
/// Then the array begins with them while the others are on their way, and their merges have the longest work beside
/// them.
std::vector<int> places_of_users(const Schedule& schedule, std::int64_t fold_keys) {
    std::vector<std::int64_t> folds(static_cast<std::size_t>(schedule.users()));
    for (int rank = 0; rank < schedule.ranks(); ++rank)
        for (const Action& action : schedule.program(rank))
            if (action.kind == Action::Kind::attend && action.item.head_part == 0)
                folds[static_cast<std::size_t>(action.item.user)] += attention::total(action.keys);
    for (std::int64_t& of_user : folds) of_user /= fold_keys * schedule.ranks();
    std::vector<std::size_t> order(folds.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t one, std::size_t other) { return folds[one] < folds[other]; });
    std::vector<int> places(folds.size());
    for (std::size_t place = 0; place < order.size(); ++place) places[order[place]] = static_cast<int>(place);
    return places;
}

Unit unit_of(const Action& action) { return {action.item.user, action.item.head_part}; }

/// The work of a rank in the order in which it is done, users by their places.
std::vector<const TimedAction*> work_of(const std::vector<TimedAction>& program, const std::vector<int>& places) {
    std::vector<const TimedAction*> work;
    for (const TimedAction& row : program)
        if (row.action->kind == Action::Kind::attend) work.push_back(&row);
    const auto place = [&](const TimedAction* row) {
        return std::pair(places[static_cast<std::size_t>(row->action->item.user)], row->start);
    };
    std::stable_sort(work.begin(), work.end(),
                     [&](const TimedAction* a, const TimedAction* b) { return place(a) < place(b); });
    return work;
}

/// `places`: of users.
Courses courses_of(const std::vector<std::vector<TimedAction>>& timeline, const std::vector<int>& places) {
    Courses courses;
    for (const std::vector<TimedAction>& program : timeline) {
        double now = 0;
        for (const TimedAction* row : work_of(program, places)) {
            now += row->end - row->start;
            Course& course = courses.units[unit_of(*row->action)];
            course.ready = std::max(course.ready, now + row->settled - row->end);
        }
        courses.worked = std::max(courses.worked, now);
        for (const TimedAction& row : program) {
            if (row.action->kind == Action::Kind::attend) continue;
            Course& course = courses.units[unit_of(*row.action)];
            double& longest = row.action->moves() ? course.message : course.merge;
            longest = std::max(longest, row.end - row.start);
            course.first = std::min(course.first, row.action->step);
            course.last = std::max(course.last, row.action->step);
        }
    }
    return courses;
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

/// By how many steps maxima go ahead of what is left. Where a rank merges for the same user in every step its maxima
/// are made of those just before, and what is left would wait for them: for those of other users, too.
int lead_of_maxima(const Schedule& schedule, const std::map<Unit, Course>& units) {
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        std::map<Unit, std::set<int>> received;
        for (const Action& action : schedule.program(rank))
            if (action.kind == Action::Kind::receive) received[unit_of(action)].insert(action.step);
        for (const auto& [unit, steps] : received)
            if (static_cast<int>(steps.size()) == units.at(unit).steps()) return units.size() == 1 ? 1 : 0;
    }
    return 2;
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

double Courses::room(const Unit& unit) const {
    // Engines and links have other things to do, too.
    constexpr double beside_others = 1.5;
    const Course& course = units.at(unit);
    const double room = worked - course.ready;
    return room > beside_others * course.steps() * (course.message + course.merge) ? room : 0;
}

SideBySide::SideBySide(const Schedule& table, const std::vector<std::vector<TimedAction>>& timeline,
                       std::int64_t fold_keys)
    : schedule_(table),
      timeline_(timeline),
      places_(places_of_users(table, fold_keys)),
      courses_(courses_of(timeline, places_)),
      ahead_(table.state_format().sent == attention::StateFormat::Sent::mlo),
      lead_(ahead_ ? lead_of_maxima(table, courses_.units) : 0),
      turns_(sends_on_and_on(table)) {
    for (int sender = 0; sender < table.ranks(); ++sender)
        for (const Action& action : table.program(sender))
            if (action.kind == Action::Kind::send) sends_.emplace(sender, action.step);
}

std::vector<Issue> SideBySide::order(int rank, const std::vector<Issue>& order) const {
    const Schedule& schedule = schedule_;
    const auto place_of = [&](const Issue& issue) {
        return places_[static_cast<std::size_t>(issue.action->item.user)];
    };
    std::map<const Action*, double> begins;  // of work
    double now = 0;
    for (const TimedAction* row : work_of(timeline_[static_cast<std::size_t>(rank)], places_)) {
        begins[row->action] = now;
        now += row->end - row->start;
    }
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
    // Six places a step: maxima of this step are taken, those of the next are sent, what is left is sent, maxima are
    // sent where the rank had that to send, what is left is merged, and all is sent that needs it.
    constexpr int in_step = 6;
    const auto when = [&](const Action& action, StatePart part) {
        const bool maximum = part == StatePart::maximum;
        if (!action.moves()) return in_step * (merge_step(action) - (maximum ? lead_ : 0)) + (maximum ? 0 : 4);
        if (!maximum) return in_step * action.step + 2;
        const int sender = ends_of_row(schedule, action, rank).first;
        const int sent = !ahead_ ? 5 : sends_.count({sender, action.step - 1}) > 0 ? 3 : 1;
        return in_step * (action.step - 1 - lead_) + sent;
    };
    // Where there is room for that, steps are spread over the work of others; else they begin when all work is done.
    const auto time_of = [&](const Issue& issue, StatePart part) {
        const Unit unit = unit_of(*issue.action);
        const Course& course = courses_.units.at(unit);
        const int place = when(*issue.action, part) + in_step * lead_;
        if (const double room = courses_.room(unit); room > 0)
            return course.ready +
                   room * (place - in_step * (course.first - 1)) / (in_step * (course.steps() + 1 + lead_));
        // Parts of the heads, whose results come one after the other, take turns, and where links are in use step
        // after step so do users.
        const int turn = issue.action->item.head_part + (turns_ ? place_of(issue) : 0);
        return courses_.worked + place + in_step * turn;
    };
    std::vector<Issue> all;
    all.reserve(2 * order.size());
    for (const Issue& issue : order) {
        if (issue.action->kind == Action::Kind::attend) {
            Issue& next = all.emplace_back(issue);
            const double later = begins.at(issue.action) - issue.time;
            for (double* time : {&next.time, &next.end, &next.ready, &next.weighed}) *time += later;
            continue;
        }
        for (const StatePart part : {StatePart::maximum, StatePart::rest}) {
            Issue& next = all.emplace_back(issue);
            next.part = part;
            next.time = next.end = next.ready = time_of(issue, part);
        }
    }
    const auto place = [&](const Issue& issue) {
        const Action& action = *issue.action;
        const bool moves = action.moves();
        const int kind = action.kind == Action::Kind::attend ? 0 : moves ? 1 : 2;
        const auto [from, to] = moves ? ends_of_row(schedule, action, rank) : std::pair(0, 0);
        const bool stays = !moves && move_on.count(action.item) == 0;
        // Several merges into one register next to each other, in the order in which what they merge would come.
        return std::tuple(issue.time, kind, stays, from, to, place_of(issue), action.item, moves ? issue.piece : 0);
    };
    std::stable_sort(all.begin(), all.end(), [&](const Issue& a, const Issue& b) { return place(a) < place(b); });
    return all;
}

}  // namespace tilemesh::kernels
