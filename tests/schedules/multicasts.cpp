// SPDX-License-Identifier: Apache-2.0
// Schedules on routers that copy: who gets which keys, bytes of every link in closed form, what the bounds and the
// timeline make of a message to several, and which tables are not sound.
#include "sim/attention/bounds.h"
#include "sim/attention/schedule_check.h"
#include "sim/attention/timeline.h"
#include "tests/attention/cases.h"
#include "tests/schedules/grids.h"

#include <catch2/catch.hpp>

#include <set>
#include <span>

using namespace example;

namespace {

RankGrid copying(RankGrid grid) {
    grid.copies = true;
    return grid;
}
RankGrid copying_line(int n) {
    RankGrid grid = line_of_ranks(n);
    grid.copies = true;
    return grid;
}

const std::vector<std::pair<int, int>> copying_grids{{1, 1}, {1, 5}, {4, 1}, {2, 2}, {2, 3}, {3, 2}, {4, 4}, {5, 3}};

}  // namespace

TEST_CASE("on a line copies of all chunks put as much on every link as the wave does, whatever the mask") {
    for (const int n : {2, 3, 5, 8})
        for (const char* const mask : {"full", "causal"}) {
            CAPTURE(n, mask);
            const Problem p = self_attention(12 * n, mask == std::string("causal") ? causal_mask() : full_mask());
            const NeedSets needs(p, n);
            const Schedule copies = kernels::all_gather_kv(needs, copying_line(n));
            const Schedule wave = kernels::all_gather_kv(needs, line_of_ranks(n));
            check_schedule(copies, needs);
            CHECK(link_traffic(copies, whole_items(p, needs, copies), line_route()).bytes ==
                  link_traffic(wave, whole_items(p, needs, wave), line_route()).bytes);
            CHECK(count(copies).attends == count(wave).attends);
        }
}

TEST_CASE("on a mesh copies of all chunks put (j+1)C on row links and (i+1)bC on column links") {
    for (const auto& [a, b] : copying_grids) {
        CAPTURE(a, b);
        const Problem p = self_attention(12 * a * b);
        const NeedSets needs(p, a * b);
        const RankGrid grid = copying(full_grid(a, b));
        const Schedule table = kernels::all_gather_kv(needs, grid);
        check_schedule(table, needs);
        const LinkTraffic traffic = link_traffic(table, whole_items(p, needs, table), mesh_route(grid));
        const std::uint64_t c = 12 * token_bytes(p);
        for (int row = 0; row < a; ++row)
            for (int col = 0; col < b; ++col) {
                if (col + 1 < b) {
                    CHECK(carried(traffic, link_out(grid, row, col, 0)) == number(col + 1) * c);
                    CHECK(carried(traffic, link_out(grid, row, col + 1, 1)) == number(b - 1 - col) * c);
                }
                if (row + 1 < a) {
                    CHECK(carried(traffic, link_out(grid, row, col, 2)) == number((row + 1) * b) * c);
                    CHECK(carried(traffic, link_out(grid, row + 1, col, 3)) == number((a - 1 - row) * b) * c);
                }
            }
        CHECK(traffic.hop_bytes == number(a * b * (a * b - 1)) * c);  // each chunk over a tree of all ranks
        CHECK(count(table).chunk_transfers == number(a * b * (a * b - 1)));
        for (int rank = 0; rank < a * b; ++rank) {
            int messages = 0;
            for_each_message(table, rank, [&](const Action&, std::span<const int> to) {
                ++messages;
                CHECK(to.size() == static_cast<std::size_t>(table.ranks() - 1));
            });
            CHECK(messages == (a * b > 1 ? 1 : 0));
        }
    }
}

TEST_CASE("two-dimensional tiles with copies carry what those without do") {
    for (const auto& [a, b] : copying_grids) {
        CAPTURE(a, b);
        const Problem p = self_attention(12 * a * b);
        const NeedSets needs(p, a * b);
        const RankGrid grid = full_grid(a, b);
        const Schedule copies = kernels::tiles_2d(needs, copying(grid)), hops = kernels::tiles_2d(needs, grid);
        check_schedule(copies, needs);
        CHECK(link_traffic(copies, whole_items(p, needs, copies), mesh_route(grid)).bytes ==
              link_traffic(hops, whole_items(p, needs, hops), mesh_route(grid)).bytes);
    }
}

TEST_CASE("everybody gets the keys it needs and no others, those that the same ranks need in one message") {
    // 24 keys on 4 ranks. A window of 8: of a chunk of 6 its last keys reach further than its first. Causal and
    // zigzag: its first half is for ranks that the second is not for.
    const Problem window = self_attention(24, all_of({causal_mask(), std::make_shared<NotLongAgo>(8)}));
    const Problem causal = self_attention(24, causal_mask());
    const std::vector<NeedSets> cases{NeedSets(window, 4), NeedSets(causal, 4, Sharding::zigzag)};
    for (const NeedSets& needs : cases) {
        const Schedule table = kernels::all_gather_kv(needs, copying_line(4));
        check_schedule(table, needs);
        for (int rank = 0; rank < 4; ++rank)
            for (int origin = 0; origin < 4; ++origin) {
                CAPTURE(rank, origin);
                Ranges received;
                for (const Action& action : table.program(rank))
                    if (action.kind == Action::Kind::receive && action.item.id == origin)
                        received.append(action.keys);
                if (rank != origin) CHECK(united(received) == needs.needed(0, rank, origin));
            }
        std::set<std::vector<int>> receivers;
        int messages = 0;
        for_each_message(table, 1, [&](const Action&, std::span<const int> to) {
            ++messages;
            CHECK(receivers.insert({to.begin(), to.end()}).second);
        });
        CHECK(messages > 1);
    }
}

TEST_CASE("tables with copies are sound for any number of ranks, tokens, masks and shardings") {
    for (const auto& mask : {full_mask(), causal_mask(), all_of({causal_mask(), std::make_shared<NotLongAgo>(9)})})
        for (const Sharding sharding : {Sharding::contiguous, Sharding::zigzag, Sharding::striped})
            for (const auto& [a, b] : copying_grids)
                for (const std::int64_t tokens : {1, 4, 29, 97}) {
                    const Problem p = problem({{tokens, tokens, 0}, {tokens + 7, 3, tokens + 4}}, mask);
                    const NeedSets needs(p, a * b, sharding);
                    CAPTURE(a, b, tokens);
                    for (const auto make : {kernels::all_gather_kv, kernels::tiles_2d})
                        CHECK_NOTHROW(check_schedule(make(needs, copying(full_grid(a, b))), needs));
                }
}

TEST_CASE("in the timeline a multicast is one transfer, over when its farthest receiver has it") {
    const Problem p = self_attention(12 * 4);
    const NeedSets needs(p, 4);
    const Schedule table = kernels::all_gather_kv(needs, copying_line(4));
    Durations durations;
    durations.attend = [](int, const Action&) { return 1.0; };
    durations.transfer = [](int from, int to, const Action&) {
        return TransferTime{10.0, static_cast<double>(std::abs(from - to))};
    };
    const auto timed = predict(table, durations);
    for (int rank = 0; rank < 4; ++rank)
        for (const TimedAction& one : timed[static_cast<std::size_t>(rank)]) {
            if (!one.action->moves()) continue;
            const int from = one.action->kind == Action::Kind::send ? rank : one.action->peer;
            CHECK(one.start == 0.0);
            CHECK(one.end == 10.0 + std::max(from, 3 - from));
        }
}

TEST_CASE("a multicast whose parts do not stand together is no sound table") {
    const Problem p = self_attention(12 * 3);
    const NeedSets needs(p, 3);
    const auto fault = [&](const std::function<void(Schedule&)>& enter) {
        Schedule table(3, 1);
        table.attend_own(needs, 0);
        enter(table);
        for (int rank = 0; rank < 3; ++rank)
            for (int origin = 0; origin < 3; ++origin)
                if (origin != rank)
                    table.attend(2, rank, rank, {.user = 0, .id = origin}, needs.needed(0, rank, origin));
        try {
            check_schedule(table, needs);
        } catch (const InternalError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    const Ranges all{{0, 12}};
    const auto chunk = [](int id) { return Item{.user = 0, .id = id}; };
    CHECK(fault([&](Schedule& table) {
              for (const int from : {0, 1, 2})
                  table.multicast(1, from, {(from + 1) % 3, (from + 2) % 3}, chunk(from), all);
          }).empty());
    CHECK_THAT(fault([&](Schedule& table) {
                   for (const int from : {0, 1})
                       table.multicast(1, from, {(from + 1) % 3, (from + 2) % 3}, chunk(from), all);
               }),
               Catch::Contains("before it has it"));
}
