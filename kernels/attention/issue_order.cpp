// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/issue_order.h"

#include "sim/attention/item_map.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tilemesh::kernels {

std::span<const int> receivers_of_row(const attention::Schedule& schedule, const attention::Action& action) {
    if (action.kind != attention::Action::Kind::send) return {};
    if (action.multicast < 0) return {&action.peer, 1};
    const std::vector<int>& all = schedule.receivers(action);
    return all.front() == action.peer ? std::span<const int>(all) : std::span<const int>();
}

std::pair<int, int> ends_of_row(const attention::Schedule& schedule, const attention::Action& action, int rank) {
    const bool sends = action.kind == attention::Action::Kind::send;
    const int from = sends ? rank : action.peer;
    if (action.multicast >= 0) return {from, schedule.receivers(action).front()};
    return {from, sends ? action.peer : rank};
}

std::vector<Issue> issue_order(int rank, const attention::Schedule& schedule,
                               const std::vector<attention::TimedAction>& program,
                               const std::function<std::size_t(const attention::Action&)>& pieces) {
    using attention::Action;
    using attention::Item;
    std::vector<Issue> order;
    attention::ItemMap<double> arrivals;
    for (const attention::TimedAction& timed : program) {
        if (timed.action->kind != Action::Kind::receive) continue;
        double& arrival = arrivals[timed.action->item];
        arrival = std::max(arrival, timed.end);
    }
    const auto arrival_of = [&](const Item& item) {
        const double* const found = arrivals.find(item);
        return found ? *found : 0.0;
    };
    for (const attention::TimedAction& timed : program) {
        const Action& action = *timed.action;
        if (action.kind == Action::Kind::send && receivers_of_row(schedule, action).empty()) continue;
        const std::size_t count = action.moves() ? std::max<std::size_t>(1, pieces(action)) : 1;
        double data = 0.0;
        if (action.kind == Action::Kind::attend)
            data =
                std::max(arrival_of(action.item),
                         arrival_of({Item::Kind::queries, action.item.user, action.owner, 0, action.item.head_part}));
        for (std::size_t piece = 0; piece < count; ++piece) {
            const double share = static_cast<double>(piece) / static_cast<double>(count);
            order.push_back({.action = &action,
                             .piece = static_cast<int>(piece),
                             .joins = timed.joins,
                             .time = timed.start + (timed.end - timed.start) * share,
                             .end = timed.end,
                             .ready = timed.ready,
                             .weighed = timed.weighed,
                             .data = data});
        }
    }
    // At one instant: what takes no time, in the order of the table; then transfers, in an order that both ends and
    // all other PEs share; then work. Nothing that takes time can be waited for by another row of the same instant.
    const auto place = [&](const Issue& issue) {
        const Action& action = *issue.action;
        if (!action.moves()) return std::tuple(issue.end > issue.time ? 2 : 0, 0, 0);
        const auto [from, to] = ends_of_row(schedule, action, rank);
        return std::tuple(1, from, to);
    };
    std::vector<std::tuple<double, std::tuple<int, int, int>, std::size_t>> places;
    places.reserve(order.size());
    for (const Issue& issue : order) places.emplace_back(issue.time, place(issue), places.size());
    std::sort(places.begin(), places.end());
    std::vector<Issue> sorted;
    sorted.reserve(order.size());
    for (const auto& [time, where, number] : places) sorted.push_back(order[number]);
    return sorted;
}

}  // namespace tilemesh::kernels
