// SPDX-License-Identifier: Apache-2.0
// Does the predicted timeline of a table take exactly the time of its closed form, and keep the rules it promises?
#include "sim/attention/timeline.h"
#include "tests/schedules/example.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace example;

namespace {

constexpr double t_c = 1.0;
const std::vector<double> tau_over_t_c{0.2, 0.4, 0.5, 0.75, 1.0, 1.3, 1.5, 2.0, 3.0, 4.0, 5.0};

TransferTime one_t_c(int, int, const Action&) { return {t_c, 0}; }

/// Blocks take tau times the visible share (all: 1, diagonal: 1/2), transfers t_c, on neighbour edges.
Durations equal_blocks(const NeedSets& needs, double tau) {
    return {.attend =
                [&needs, tau](int, const Action& attend) {
                    const Visible seen = needs.need(attend.item.user, attend.owner, attend.item.id);
                    return seen == Visible::all ? tau : tau / 2;
                },
            .transfer = one_t_c};
}

}  // namespace

TEST_CASE("the wave takes max(n tau, (n-1) t_c + tau)") {
    for (const int n : rank_counts)
        for (const double tau : tau_over_t_c) {
            CAPTURE(n, tau);
            const NeedSets needs(self_attention(4 * n), n);
            const double time = makespan(predict(in_a_row(kernels::mesh_kv, needs), equal_blocks(needs, tau)));
            CHECK(time == Approx(std::max(n * tau, (n - 1) * t_c + tau)).epsilon(1e-12));
        }
}

TEST_CASE("the causal wave takes max(tau/2 + (n-1) tau, t_c + (n-1) tau, (n-1) t_c + tau)") {
    for (const int n : rank_counts)
        for (const double tau : tau_over_t_c) {
            if (n == 1) continue;  // nothing arrives: tau/2
            CAPTURE(n, tau);
            const NeedSets needs(self_attention(4 * n, causal_mask()), n);
            const double time = makespan(predict(in_a_row(kernels::mesh_kv, needs), equal_blocks(needs, tau)));
            const double expected = std::max({tau / 2 + (n - 1) * tau, t_c + (n - 1) * tau, (n - 1) * t_c + tau});
            CHECK(time == Approx(expected).epsilon(1e-12));
        }
    const NeedSets alone(self_attention(4, causal_mask()), 1);
    CHECK(makespan(predict(in_a_row(kernels::mesh_kv, alone), equal_blocks(alone, 3.0))) == Approx(1.5));
}

TEST_CASE("with free compute a ring whose wrap is routed over n-1 hops takes (2n-3) hops, a real wrap link n-1") {
    for (const int n : rank_counts) {
        if (n == 1) continue;
        CAPTURE(n);
        const NeedSets needs(self_attention(4 * n), n);
        Durations durations = equal_blocks(needs, 0.0);
        CHECK(makespan(predict(in_a_row(kernels::ring_kv, needs), durations)) == Approx((n - 1) * t_c));
        CHECK(makespan(predict(in_a_row(kernels::ring_kv_bidirectional, needs), durations)) ==
              Approx((n - 1 - (n - 1) / 2) * t_c));
        durations.transfer = [](int from, int to, const Action&) {
            return TransferTime{t_c, (std::abs(from - to) - 1) * t_c};  // store and forward, hops in a pipeline
        };
        CHECK(makespan(predict(in_a_row(kernels::ring_kv, needs), durations)) == Approx((2 * n - 3) * t_c));
    }
}

TEST_CASE("merging states along the line takes (n-1)(t + merge) after the local pass, one merge more for odd n") {
    for (const int n : rank_counts)
        for (const double merge : {0.0, 0.1, 0.5, 1.0}) {
            CAPTURE(n, merge);
            const double local_pass = 10.0;
            const NeedSets needs = NeedSets::replicated_queries(decode(20 * n), n);
            const Durations durations{.attend = [&](int, const Action&) { return local_pass; },
                                      .transfer = one_t_c,
                                      .merge = [&](int, const Action&) { return merge; }};
            const double time = makespan(predict(in_a_row(kernels::mesh_mlo, needs), durations));
            // both states reach the middle rank of an odd line at once, and it has one engine to merge them for both
            // ways
            const double twice_in_the_middle = n > 1 && n % 2 == 1 ? merge : 0.0;
            CHECK(time == Approx(local_pass + (n - 1) * (t_c + merge) + twice_in_the_middle).epsilon(1e-12));
        }
}

TEST_CASE(
    "an edge moves one item at a time in table order, a rank forwards what it has and computes one thing at a time") {
    const NeedSets needs(problem({{90, 90, 0}, {31, 31, 0}, {200, 200, 0}}), 7);
    const auto length = [&](const Item& chunk) {
        return static_cast<double>(needs.keys(chunk.user, chunk.id).size());
    };
    const Durations durations{
        // binary fractions, so that sums are exact and times can be compared with ==
        .attend = [&](int rank, const Action& attend) { return 0.125 * length(attend.item) * (1 + rank % 3); },
        .transfer =
            [&](int, int, const Action& send) {
                return TransferTime{0.25 * length(send.item), 0.75};
            }};
    int joined = 0;
    using Make = Schedule (*)(const NeedSets&, const RankGrid&);
    for (const Make schedule : {kernels::mesh_kv, kernels::ring_kv, kernels::ring_kv_bidirectional})
        for (const ComputeOrder order : {ComputeOrder::arrival, ComputeOrder::visits}) {
            const Schedule table = in_a_row(schedule, needs);
            const auto timed = predict(table, durations, order);
            for (int rank = 0; rank < table.ranks(); ++rank) {
                const auto& program = timed[static_cast<std::size_t>(rank)];
                std::map<int, double> edge_free;
                std::map<std::pair<int, int>, double> arrival;
                std::vector<TimedAction> compute;
                for (std::size_t row = 0; row < program.size(); ++row) {
                    const TimedAction& timed_action = program[row];
                    const Action& action = *timed_action.action;
                    REQUIRE(action == table.program(rank)[row]);
                    const std::pair chunk{action.item.user, action.item.id};
                    if (action.kind == Action::Kind::receive) arrival[chunk] = timed_action.end;
                    if (action.kind == Action::Kind::attend) compute.push_back(timed_action);
                    if (action.kind == Action::Kind::send) {
                        const double here = action.item.id == rank ? 0.0 : arrival.at(chunk);
                        CHECK(timed_action.start ==
                              std::max(edge_free[action.peer], here));  // not later than it could
                        edge_free[action.peer] = timed_action.end - 0.75;
                        CHECK(timed_action.end - timed_action.start == Approx(0.25 * length(action.item) + 0.75));
                    }
                }
                std::stable_sort(compute.begin(), compute.end(),
                                 [](const TimedAction& a, const TimedAction& b) { return a.start < b.start; });
                const auto here = [&](const Item& item) {
                    return item.id == rank ? 0.0 : arrival.at({item.user, item.id});
                };
                // Of those not yet started the first to be here; in visits, before it the same user's that were here
                // when the rank turned to that user.
                std::vector<Action> waiting;
                for (const Action& action : table.program(rank))
                    if (action.kind == Action::Kind::attend) waiting.push_back(action);
                std::stable_sort(waiting.begin(), waiting.end(),
                                 [&](const Action& a, const Action& b) { return here(a.item) < here(b.item); });
                double engine_free = 0, visit_begin = -1;
                int visited = -1;
                for (const TimedAction& attend : compute) {
                    const auto joining = std::find_if(waiting.begin(), waiting.end(), [&](const Action& a) {
                        return order == ComputeOrder::visits && a.item.user == visited && here(a.item) <= visit_begin;
                    });
                    const bool joins = joining != waiting.end();
                    const auto next = joins ? joining : waiting.begin();
                    CHECK(*attend.action == *next);
                    CHECK(attend.joins == joins);
                    CHECK(attend.start == std::max(engine_free, here(attend.action->item)));
                    joined += joins ? 1 : 0;
                    engine_free = attend.end;
                    visited = attend.action->item.user;
                    if (!joins) visit_begin = attend.start;
                    waiting.erase(next);
                }
            }
        }
    CHECK(joined > 20);
}

TEST_CASE("a copy of a register is made before anything that comes later in the program joins it") {
    Schedule table(2, 1);
    const Item chunk0{.id = 0}, chunk1{.id = 1}, queries1{.kind = Item::Kind::state, .id = 1, .copy = 1};
    table.attend(0, 1, 1, chunk1, {{0, 4}});
    table.merge(0, 1, queries1, 0);  // register 1 = what rank 1 made of its own chunk
    table.transfer(1, 0, 1, chunk0, {{0, 4}});
    table.attend(1, 1, 1, chunk0, {{0, 4}});
    const double own = 10.0;  // chunk 0 arrives long before this is done
    const auto timed = predict(table, {.attend = [&](int, const Action&) { return own; }, .transfer = one_t_c});
    const auto& program = timed[1];  // attend, copy, receive, attend
    REQUIRE(program[1].action->kind == Action::Kind::merge);
    CHECK(program[1].start == own);
    CHECK(program[1].end == own);  // copies take no time
    CHECK(program[3].start == own);
    CHECK(program[3].end == 2 * own);
}

TEST_CASE("nothing is attended before a fence is passed, and a fence waits for the last of all transfers") {
    Schedule table(3, 1);
    const Item chunk0{.id = 0}, chunk1{.id = 1}, chunk2{.id = 2};
    table.transfer(1, 0, 2, chunk0, {{0, 4}});
    table.transfer(2, 1, 2, chunk1, {{0, 4}});
    table.fence(3, 2);
    for (const Item& chunk : {chunk0, chunk1, chunk2}) table.attend(3, 2, 2, chunk, {{0, 4}});
    const double slow = 7.0, work = 2.0;
    const auto timed = predict(table, {.attend = [&](int, const Action&) { return work; },
                                       .transfer =
                                           [&](int from, int, const Action&) {
                                               return TransferTime{from == 1 ? slow : t_c, 0};
                                           }});
    const auto& program = timed[2];  // receive, receive, fence, three attends
    REQUIRE(program[2].action->kind == Action::Kind::fence);
    CHECK(program[2].start == slow);
    for (int i = 0; i < 3; ++i) CHECK(program[static_cast<std::size_t>(3 + i)].start == slow + i * work);
}

TEST_CASE("rows that can never happen are an internal error") {
    const Item chunk{Item::Kind::chunk, 0, 0};
    const Durations durations{.attend = [](int, const Action&) { return 1.0; }, .transfer = one_t_c};
    const Schedule unsent(
        {{}, {{.kind = Action::Kind::receive, .item = chunk, .keys = {{0, 4}}, .peer = 0, .step = 1}}}, 1);
    CHECK_THROWS_AS(predict(unsent, durations), InternalError);
    // two ranks pass a chunk round that neither has
    Schedule circle(2, 1);
    circle.transfer(1, 0, 1, {Item::Kind::state, 0, 1});
    circle.transfer(2, 1, 0, {Item::Kind::state, 0, 1});
    std::vector<std::vector<Action>> programs = circle.programs();
    std::reverse(programs[0].begin(), programs[0].end());
    CHECK_THROWS_AS(predict(Schedule(programs, 1), durations), InternalError);
}
