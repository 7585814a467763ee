// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/turns.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <queue>

namespace tilemesh::attention {

double in_turn(std::vector<Turn> turns) {
    std::sort(turns.begin(), turns.end(), [](const Turn& a, const Turn& b) { return a.ready < b.ready; });
    const auto less_follows = [](const Turn& a, const Turn& b) { return a.rest < b.rest; };
    std::priority_queue<Turn, std::vector<Turn>, decltype(less_follows)> waiting(less_follows);
    double now = 0, end = 0;
    for (std::size_t next = 0; next < turns.size() || !waiting.empty();) {
        if (waiting.empty()) now = std::max(now, turns[next].ready);
        while (next < turns.size() && turns[next].ready <= now) waiting.push(turns[next++]);
        Turn turn = waiting.top();
        waiting.pop();
        const double until = next < turns.size() ? turns[next].ready : std::numeric_limits<double>::infinity();
        if (now + turn.work > until) {
            turn.work -= until - now;
            now = until;
            waiting.push(turn);
        } else {
            now += turn.work;
            end = std::max(end, now + turn.rest);
        }
    }
    return end;
}

}  // namespace tilemesh::attention
