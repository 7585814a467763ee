// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/issue_order.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tilemesh::kernels {

std::vector<Issue> issue_order(const std::vector<attention::TimedAction>& program, const attention::NeedSets& needs,
                               std::int64_t piece_keys, const std::vector<int>& state_blocks) {
    using attention::Action;
    std::vector<Issue> order;
    std::map<std::pair<int, int>, double> arrivals;  // by user and origin
    for (const attention::TimedAction& timed : program) {
        const Action& action = timed.action;
        const bool is_chunk = action.item.kind == attention::Item::Kind::chunk;
        if (is_chunk && action.kind == Action::Kind::receive)
            arrivals[{action.item.user, action.item.id}] = timed.end;
    }
    for (const attention::TimedAction& timed : program) {
        const Action& action = timed.action;
        int pieces = 1;
        const bool moves = action.kind == Action::Kind::send || action.kind == Action::Kind::receive;
        if (moves && action.item.kind == attention::Item::Kind::chunk) {
            const std::int64_t keys = needs.keys_of(action.item.user, action.item.id).size();
            pieces = static_cast<int>(std::max<std::int64_t>(1, (keys + piece_keys - 1) / piece_keys));
        } else if (moves) {
            pieces = state_blocks[static_cast<std::size_t>(action.item.user)];
        }
        const auto arrival = arrivals.find({action.item.user, action.item.id});
        const double data = action.kind == Action::Kind::attend && arrival != arrivals.end() ? arrival->second : 0.0;
        for (int piece = 0; piece < pieces; ++piece) {
            order.push_back(
                {&action, piece, pieces, timed.start + (timed.end - timed.start) * piece / pieces, timed.end, data});
        }
    }
    // Stable: rows of one instant keep the table's order (sends before receives before attends).
    std::stable_sort(order.begin(), order.end(), [](const Issue& a, const Issue& b) { return a.time < b.time; });
    return order;
}

}  // namespace tilemesh::kernels
