// SPDX-License-Identifier: Apache-2.0
// In which order a PE issues what its program has for it, piece by piece.
#include "kernels/attention/issue_order.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::attention;
using namespace tilemesh::kernels;

TEST_CASE("pieces of a transfer are issued over its time, with what falls between them between them") {
    Action send;
    send.kind = Action::Kind::send;
    send.item = {Item::Kind::chunk, 0, 0, 0, 0};
    send.peer = 1;
    Action attend;
    attend.kind = Action::Kind::attend;
    attend.item = {Item::Kind::chunk, 0, 0, 0, 0};
    attend.owner = 0;
    // Four pieces from 0 to 100: at 0, 25, 50 and 75. The work begins at 40.
    const std::vector<TimedAction> program = {{&send, 0, 100}, {&attend, 40, 60}};
    const std::vector<Issue> order = issue_order(0, Schedule(2, 1), program, [](const Action& action) {
        return action.moves() ? std::size_t{4} : std::size_t{1};
    });
    REQUIRE(order.size() == 5);
    std::vector<int> pieces;
    for (const Issue& issue : order) pieces.push_back(issue.action->moves() ? issue.piece : -1);
    CHECK(pieces == std::vector<int>{0, 1, -1, 2, 3});
    CHECK(order[1].time == 25.0);
}
