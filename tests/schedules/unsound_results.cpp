// SPDX-License-Identifier: Apache-2.0
// Is every kernel's table sound wherever it accepts to run, and is a table found whose results are not: keys counted
// twice or in part, queries that are not there, registers nobody wrote, partial results and gradients that are
// missing?
#include "kernels/all.h"
#include "sim/attention/schedule_check.h"
#include "tests/schedules/grids.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>

using namespace example;
using Kind = Action::Kind;
using Programs = std::vector<std::vector<Action>>;

namespace {

const Problem full = self_attention(20);
const NeedSets four(full, 4);  // five queries and keys each
const NeedSets two(self_attention(6), 2);
const Ranges all{{0, 3}};  // keys of each chunk of `two`

Item chunk(int id) { return {.id = id}; }
Item queries(int id) { return {.kind = Item::Kind::queries, .id = id}; }
Item state(int id, int copy = 0) { return {.kind = Item::Kind::state, .id = id, .copy = copy}; }
Item gradient(int id, int copy = 0) { return {.kind = Item::Kind::gradient, .id = id, .copy = copy}; }

void expect(const Schedule& table, const NeedSets& needs, const std::string& text) {
    CHECK_THROWS_WITH(check_schedule(table, needs), Catch::Contains(text));
    CHECK_THROWS_AS(check_schedule(table, needs), InternalError);
}

Action& find(std::vector<Action>& program, Kind kind, const Item& item) {
    const auto found = std::find_if(program.begin(), program.end(),
                                    [&](const Action& action) { return action.kind == kind && action.item == item; });
    REQUIRE(found != program.end());
    return *found;
}
/// The table of four ranks with something changed.
Schedule spoiled(MakeSchedule schedule, const std::function<void(Programs&)>& spoil) {
    CHECK_NOTHROW(check_schedule(in_a_row(schedule, four), four));
    Programs programs = in_a_row(schedule, four).programs();
    spoil(programs);
    return {programs, 1};
}

/// A backward pass of two ranks as a ring does it: chunks go over, their gradients come home.
Schedule backward(int times_merged) {
    Schedule table(2, 1, 1, Schedule::Pass::backward);
    table.attend_own(two, 0);
    for (int origin = 0; origin < 2; ++origin) {
        const int other = 1 - origin;
        table.transfer(1, origin, other, chunk(origin), all);
        table.attend(1, other, other, chunk(origin), all);
        table.transfer(2, other, origin, gradient(origin, 1), all, 0);
        for (int i = 0; i < times_merged; ++i) table.merge(2, origin, gradient(origin), 1, all);
    }
    return table;
}

}  // namespace

TEST_CASE("every kernel's table is sound on every line and grid that it accepts, whatever mask and sharding") {
    std::vector<RankGrid> grids;
    for (const int n : rank_counts) grids.push_back(line_of_ranks(n));
    for (const auto& [rows, cols] : {std::pair{2, 2}, {2, 3}, {3, 2}, {2, 4}, {3, 3}, {4, 4}})
        grids.push_back(full_grid(rows, cols));
    grids.push_back(row_of_ranks({3, 0, 4, 2, 1}));
    const std::vector<std::vector<User>> cases{{{37, 37, 0}}, {{3, 3, 0}}, {{50, 10, 40}, {64, 16, 48}, {12, 20, 0}}};
    int accepted = 0;
    for (const Kernel& kernel : kernels::all())
        for (const RankGrid& grid : grids)
            for (const auto& users : cases)
                for (const auto& mask : {full_mask(), causal_mask()})
                    for (const Sharding sharding : {Sharding::contiguous, Sharding::zigzag, Sharding::striped}) {
                        Problem p = problem(users, mask);
                        p.heads_kv = 6;
                        if (kernel.refuses && kernel.refuses(p, grid, p.heads_kv)) continue;
                        if (kernel.by_heads && grid.ranks() > 1) continue;
                        CAPTURE(kernel.name, grid.rows, grid.cols, grid.ranks(), users.size(), mask->name());
                        const NeedSets needs = kernel.replicated_queries
                                                   ? NeedSets::replicated_queries(p, grid.ranks(), sharding)
                                                   : NeedSets(p, grid.ranks(), sharding);
                        CHECK_NOTHROW(check_schedule(kernel.schedule(needs, grid), needs));
                        ++accepted;
                    }
    CHECK(accepted > 4000);
}

TEST_CASE("keys attended twice are found, also when only some of them are") {
    expect(spoiled(kernels::mesh_kv,
                   [](Programs& p) {
                       Action again = find(p[2], Kind::attend, chunk(1));
                       again.keys = {{3, 5}};
                       again.step = p[2].back().step;
                       p[2].push_back(again);
                   }),
           four, "rank 2 ends with keys of chunk 1 counted more than once in register 0 of queries 2 of user 0");
}

TEST_CASE("keys left out are found, also when only some of them are") {
    expect(spoiled(kernels::mesh_kv,
                   [](Programs& p) {
                       find(p[2], Kind::attend, chunk(1)).keys = {{0, 2}, {3, 5}};
                   }),
           four, "rank 2 ends without chunk 1 in register 0 of queries 2 of user 0, which it needs");
}

TEST_CASE("keys that were not among those received may neither be attended nor sent on") {
    const auto fewer = [](Programs& p) {
        find(p[0], Kind::send, chunk(0)).keys = {{0, 4}};
        find(p[1], Kind::receive, chunk(0)).keys = {{0, 4}};
    };
    expect(spoiled(kernels::mesh_kv, fewer), four, "rank 1 attends chunk 0 of user 0 before it has it");
    expect(spoiled(kernels::mesh_kv,
                   [&](Programs& p) {
                       fewer(p);
                       find(p[1], Kind::attend, chunk(0)).keys = {{0, 4}};
                   }),
           four, "rank 1 sends chunk 0 of user 0 before it has it");
}

TEST_CASE("the two ends of a transfer must agree on the keys") {
    expect(spoiled(kernels::mesh_kv,
                   [](Programs& p) {
                       find(p[1], Kind::receive, chunk(0)).keys = {{0, 4}};
                   }),
           four, "message 0 from rank 0 to rank 1 is");
    expect(spoiled(kernels::mesh_kv, [](Programs& p) { find(p[1], Kind::attend, chunk(0)).keys.clear(); }), four,
           "rank 1 names no keys of chunk 0 of user 0");
    expect(spoiled(kernels::mesh_kv,
                   [](Programs& p) {
                       find(p[1], Kind::attend, chunk(0)).keys = {{0, 6}};
                   }),
           four, "rank 1 names chunk 0 of user 0, which does not exist");
}

TEST_CASE("queries must be there when they are attended, and come once") {
    Schedule absent(2, 1);
    absent.attend(0, 1, 0, chunk(1), all);
    expect(absent, two, "rank 1 attends with queries 0 of user 0 before it has it");
    Schedule again(2, 1);
    again.transfer(1, 0, 1, queries(0));
    again.transfer(2, 0, 1, queries(0));
    expect(again, two, "rank 1 receives queries 0 of user 0, which it has already");
    Schedule unused = in_a_row(kernels::mesh_kv, two);
    unused.transfer(2, 0, 1, queries(0));
    expect(unused, two, "rank 1 receives queries 0 of user 0 but neither attends nor forwards it");
}

TEST_CASE("partial results that others have made must come home, once") {
    expect(spoiled(kernels::pass_q,
                   [](Programs& p) {
                       const auto merge = std::find_if(p[0].begin(), p[0].end(), [](const Action& action) {
                           return action.kind == Kind::merge && action.other == 1;
                       });
                       REQUIRE(merge != p[0].end());
                       p[0].erase(merge);
                   }),
           four, "rank 0 ends without chunk 1 in register 0 of queries 0 of user 0, which it needs");
    Schedule table = in_a_row(kernels::pass_q, four);
    table.merge(9, 0, state(0), 1);
    expect(table, four,
           "rank 0 ends with keys of chunk 1 counted more than once in register 0 of queries 0 of user 0");
}

TEST_CASE("a register that nothing was written to may be neither sent nor merged") {
    Schedule sent(2, 1);
    sent.transfer(1, 0, 1, state(1, 1), {}, 2);
    expect(sent, two, "rank 0 sends register 2 of queries 1 of user 0, which nothing was written to");
    Schedule merged(2, 1);
    merged.merge(1, 0, state(0), 1);
    expect(merged, two, "rank 0 merges register 1 of queries 0 of user 0, which nothing was written to");
}

TEST_CASE("where all ranks have the same queries, a state of others does not exist") {
    const NeedSets same = NeedSets::replicated_queries(decode(40), 4);
    Schedule table(4, 1);
    table.attend_own(same, 0);
    table.merge(1, 2, state(2, 1), 0);
    expect(table, same,
           "rank 2 names register 1 of queries 2 of user 0, but all ranks have the same queries, number 0");
}

TEST_CASE("each head part is a problem of its own: one that is missing is found") {
    Schedule table(2, 1, 2);
    table.attend_own(two, 0);
    for (int part = 0; part < 2; ++part)
        for (int origin = 0; origin < 2; ++origin) {
            Item item = chunk(origin);
            item.head_part = part;
            if (part == 1 && origin == 1) continue;
            table.transfer(1, origin, 1 - origin, item, all);
            table.attend(1, 1 - origin, 1 - origin, item, all);
        }
    expect(table, two,
           "rank 0 ends without chunk 1 in register 0 of queries 0 of user 0 head part 1, which it needs");
}

TEST_CASE("in a backward pass each chunk's gradient ends at home, with all queries that see it, each once") {
    CHECK_NOTHROW(check_schedule(backward(1), two));
    expect(backward(0), two,
           "rank 0 ends without queries 1 in gradient register 0 of chunk 0 of user 0, which it needs");
    expect(backward(2), two,
           "rank 0 ends with keys of queries 1 counted more than once in gradient register 0 of chunk 0 of user 0");
    // the same rows are enough for a forward pass, where gradients do not exist
    Schedule forward(2, 1);
    forward.attend_own(two, 0);
    for (int origin = 0; origin < 2; ++origin) {
        forward.transfer(1, origin, 1 - origin, chunk(origin), all);
        forward.attend(1, 1 - origin, 1 - origin, chunk(origin), all);
    }
    CHECK_NOTHROW(check_schedule(forward, two));
}
