// SPDX-License-Identifier: Apache-2.0
// In which order a PE issues what its program has for it, piece by piece.
#include "kernels/attention/issue_order.h"
#include "kernels/attention/exchange.h"

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

TEST_CASE("an exchange is issued piece by piece, both ends of a message in the same order") {
    Schedule schedule(3, 1);
    const auto chunk = [](int id) { return Item{Item::Kind::chunk, 0, id}; };
    schedule.transfer(1, 2, 1, chunk(2), {{0, 1}});
    schedule.transfer(1, 1, 2, chunk(1), {{0, 1}});
    schedule.transfer(1, 0, 1, chunk(0), {{0, 1}});
    Exchange exchange(1, schedule);
    for (const Action& action : schedule.program(1))
        if (action.moves()) exchange.add(action, 2, Bytes(action.item.id == 2 ? 100 : 10));
    std::vector<std::pair<int, int>> order;  // piece and chunk
    for (const Issue& issue : exchange.in_order()) order.emplace_back(issue.piece, issue.action->item.id);
    CHECK(order == std::vector<std::pair<int, int>>{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}});
}

TEST_CASE("an exchange moves what its busiest way does, in whatever direction") {
    Schedule schedule(2, 1);
    for (const int id : {0, 1}) schedule.transfer(1, 0, 1, {Item::Kind::chunk, 0, id}, {{0, 1}});
    schedule.transfer(1, 1, 0, {Item::Kind::chunk, 0, 2}, {{0, 1}});
    for (const int rank : {0, 1}) {
        Exchange exchange(rank, schedule);
        for (const Action& action : schedule.program(rank))
            if (action.moves()) exchange.add(action, 1, Bytes(action.item.id == 2 ? 50 : 40));
        CHECK(exchange.work().bytes == Bytes(40 + 40));
        CHECK(exchange.work().messages == 3);
    }
}
