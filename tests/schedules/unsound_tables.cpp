// SPDX-License-Identifier: Apache-2.0
// Is every schedule sound, and is every way of spoiling a table found and named?
#include "sim/attention/schedule_check.h"
#include "tests/attention/cases.h"
#include "tests/schedules/example.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>

using namespace example;
using Kind = Action::Kind;
using Programs = std::vector<std::vector<Action>>;

namespace {

const Problem full = self_attention(20);
const NeedSets four_ranks(full, 4);
const Item chunk0{Item::Kind::chunk, 0, 0};
const Ranges all{{0, 5}};  // keys of each of its chunks

auto row_of(std::vector<Action>& program, Kind kind, const Item& item) {
    const auto found = std::find_if(program.begin(), program.end(),
                                    [&](const Action& action) { return action.kind == kind && action.item == item; });
    REQUIRE(found != program.end());
    return found;
}

/// Spoils the table of a schedule and demands a complaint that contains `text`.
void expect_complaint(const Schedule& sound, const NeedSets& needs, const std::function<void(Programs&)>& spoil,
                      const std::string& text) {
    CHECK_NOTHROW(check_schedule(sound, needs));
    Programs programs = sound.programs();
    spoil(programs);
    CHECK_THROWS_WITH(check_schedule(Schedule(programs, sound.users()), needs), Catch::Contains(text));
    CHECK_THROWS_AS(check_schedule(Schedule(programs, sound.users()), needs), InternalError);
}
void expect_complaint(const std::function<void(Programs&)>& spoil, const std::string& text) {
    expect_complaint(in_a_row(kernels::mesh_kv, four_ranks), four_ranks, spoil, text);
}

}  // namespace

TEST_CASE("every schedule is sound for any number of ranks, ragged and several users, full and causal") {
    const std::vector<std::vector<User>> cases{{{64, 64, 0}}, {{37, 37, 0}},
                                               {{3, 3, 0}},   {{50, 10, 40}},
                                               {{50, 1, 49}}, {{100, 100, 0}, {5, 5, 0}, {64, 16, 48}, {12, 20, 0}}};
    for (const int n : rank_counts)
        for (const auto& users : cases)
            for (const auto& mask : {full_mask(), causal_mask()}) {
                CAPTURE(n, users.size(), users[0].keys, mask->name());
                const Problem p = problem(users, mask);
                const NeedSets needs(p, n);
                for (const auto schedule : {kernels::mesh_kv, kernels::ring_kv, kernels::ring_kv_bidirectional})
                    CHECK_NOTHROW(check_schedule(in_a_row(schedule, needs), needs));
                // without replication a rank sees only its own queries: merging replicated ones is another question
                if (std::all_of(users.begin(), users.end(), [](const User& user) { return user.queries == 1; })) {
                    const NeedSets replicated = NeedSets::replicated_queries(p, n);
                    CHECK_NOTHROW(check_schedule(in_a_row(kernels::mesh_mlo, replicated), replicated));
                }
                if (n == 1) CHECK_NOTHROW(check_schedule(in_a_row(kernels::head_parallel, needs), needs));
            }
}

TEST_CASE("merging replicated queries is sound for several users, also where ranks hold no key") {
    for (const int n : rank_counts)
        for (const auto& mask : {full_mask(), causal_mask()}) {
            CAPTURE(n, mask->name());
            const NeedSets needs =
                NeedSets::replicated_queries(problem({{40, 1, 39}, {5, 3, 2}, {77, 4, 73}, {2, 1, 1}}, mask), n);
            CHECK_NOTHROW(check_schedule(in_a_row(kernels::mesh_mlo, needs), needs));
        }
}

TEST_CASE("a send without its receive, and a receive without its send, are found") {
    expect_complaint([](Programs& p) { p[3].erase(row_of(p[3], Kind::receive, chunk0)); },
                     "rank 2 sends chunk 0 of user 0 to rank 3, which never receives it");
    expect_complaint([](Programs& p) { p[2].erase(row_of(p[2], Kind::send, chunk0)); },
                     "rank 3 receives chunk 0 of user 0 from rank 2, which never sends it");
}

TEST_CASE("two ends that disagree on the order of items are found") {
    expect_complaint(
        [](Programs& p) {
            std::swap(row_of(p[3], Kind::receive, {Item::Kind::chunk, 0, 2})->item,
                      row_of(p[3], Kind::receive, {Item::Kind::chunk, 0, 1})->item);
        },
        "message 0 from rank 2 to rank 3 is chunk 2 of user 0 at the sender, chunk 1 of user 0 at the receiver");
}

TEST_CASE("sending a chunk before it arrived is found") {
    Schedule early(4, 1);
    early.transfer(1, 0, 1, chunk0, all);
    early.transfer(1, 1, 2, chunk0, all);  // in the step of its arrival, one too early
    CHECK_THROWS_WITH(check_schedule(early, four_ranks),
                      Catch::Contains("rank 1 sends chunk 0 of user 0 before it has it"));
}

TEST_CASE("attending a chunk that never came, twice, or not at all is found") {
    Schedule absent(4, 1);
    absent.attend(0, 2, 2, {Item::Kind::chunk, 0, 1}, all);
    CHECK_THROWS_WITH(check_schedule(absent, four_ranks),
                      Catch::Contains("rank 2 attends chunk 1 of user 0 before it has it"));
    expect_complaint(
        [](Programs& p) {
            Action again = *row_of(p[1], Kind::attend, {Item::Kind::chunk, 0, 3});
            again.step = p[1].back().step;
            p[1].push_back(again);
        },
        "rank 1 ends with keys of chunk 3 counted more than once in register 0 of queries 1 of user 0");
    expect_complaint([](Programs& p) { p[1].erase(row_of(p[1], Kind::attend, chunk0)); },
                     "rank 1 ends without chunk 0 in register 0 of queries 1 of user 0, which it needs");
}

TEST_CASE("what the mask hides may not be attended, and what is of no use may not be received") {
    const Problem causal = self_attention(20, causal_mask());
    const NeedSets needs(causal, 4);
    const Item chunk3{Item::Kind::chunk, 0, 3};
    const auto with_chunk3 = [&](bool attend) {
        Schedule table = in_a_row(kernels::mesh_kv, needs);
        table.transfer(4, 3, 2, chunk3, all);
        if (attend) table.attend(4, 2, 2, chunk3, all);
        return table;
    };
    CHECK_THROWS_WITH(check_schedule(with_chunk3(true), needs),
                      Catch::Contains("rank 2 attends keys of chunk 3 of user 0 that queries 2 do not need"));
    CHECK_THROWS_WITH(check_schedule(with_chunk3(false), needs),
                      Catch::Contains("rank 2 receives chunk 3 of user 0 but neither attends nor forwards it"));
}

TEST_CASE("of a chunk that is needed in part, only that part may be attended") {
    // A window of 3 keys on ranks of 5: rank 2 needs keys 8 and 9 of rank 1, not 5 to 7, which rank 1 needs itself.
    const Problem window = self_attention(20, all_of({causal_mask(), std::make_shared<NotLongAgo>(3)}));
    const NeedSets needs(window, 4);
    Schedule table = in_a_row(kernels::mesh_kv, needs);
    const Item chunk1{Item::Kind::chunk, 0, 1};
    table.transfer(4, 1, 2, chunk1, {{0, 1}});
    table.attend(4, 2, 2, chunk1, {{0, 1}});
    CHECK_THROWS_WITH(check_schedule(table, needs),
                      Catch::Contains("rank 2 attends keys of chunk 1 of user 0 that queries 2 do not need"));
}

TEST_CASE("receiving a chunk again, or one's own, is found") {
    Schedule again = in_a_row(kernels::mesh_kv, four_ranks);
    again.transfer(4, 1, 2, chunk0, all);
    CHECK_THROWS_WITH(check_schedule(again, four_ranks),
                      Catch::Contains("rank 2 receives chunk 0 of user 0, which it has already"));
    Schedule home = in_a_row(kernels::mesh_kv, four_ranks);
    home.transfer(4, 1, 0, chunk0, all);
    CHECK_THROWS_WITH(check_schedule(home, four_ranks),
                      Catch::Contains("rank 0 receives chunk 0 of user 0, which it has already"));
}

TEST_CASE("ranks that wait for each other in a circle are found, with the chain") {
    const NeedSets needs(self_attention(6), 3);
    Programs programs(3);
    for (int rank = 0; rank < 3; ++rank) {
        const int west = (rank + 2) % 3, east = (rank + 1) % 3;
        programs[static_cast<std::size_t>(rank)] = {
            {.kind = Kind::receive, .item = {Item::Kind::chunk, 0, west}, .keys = {{0, 2}}, .peer = west, .step = 1},
            {.kind = Kind::send, .item = {Item::Kind::chunk, 0, rank}, .keys = {{0, 2}}, .peer = east, .step = 2}};
    }
    CHECK_THROWS_WITH(check_schedule(Schedule(programs, 1), needs),
                      Catch::Contains("deadlock: rank 0 waits for chunk 2 of user 0 from rank 2, "
                                      "rank 2 waits for chunk 1 of user 0 from rank 1, "
                                      "rank 1 waits for chunk 0 of user 0 from rank 0"));
}

TEST_CASE("rows out of program order are found") {
    expect_complaint([](Programs& p) { std::swap(p[1].front(), p[1].back()); }, "out of program order");
    // a receive before a send of its own step could make two neighbours wait for each other
    expect_complaint(
        [](Programs& p) {
            const auto receive = std::find_if(p[1].begin(), p[1].end(),
                                              [](const Action& action) { return action.kind == Kind::receive; });
            REQUIRE(std::prev(receive)->kind == Kind::send);
            REQUIRE(std::prev(receive)->step == receive->step);
            std::iter_swap(std::prev(receive), receive);
        },
        "out of program order");
}

TEST_CASE("rows that name what does not exist are found") {
    expect_complaint([](Programs& p) { p[1].front().item.user = 1; },
                     "names chunk 1 of user 1, which does not exist");
    expect_complaint([](Programs& p) { row_of(p[0], Kind::send, chunk0)->item.id = 4; }, "names chunk 4 of user 0");
    expect_complaint([](Programs& p) { row_of(p[0], Kind::send, chunk0)->peer = 4; },
                     "rank 0 exchanges chunk 0 of user 0 with rank 4, expected another of 4 ranks");
    expect_complaint([](Programs& p) { row_of(p[0], Kind::send, chunk0)->peer = 0; },
                     "with rank 0, expected another");
    expect_complaint([](Programs& p) { row_of(p[0], Kind::attend, chunk0)->kind = Kind::merge; }, "cannot merge");
    expect_complaint([](Programs& p) { p.pop_back(); }, "table of 3 ranks and 1 users, expected 4 and 1");
}

TEST_CASE("states that are missing, counted twice, or of other queries are found") {
    const Problem p = decode(40);
    const NeedSets needs = NeedSets::replicated_queries(p, 4);
    const Schedule merge = in_a_row(kernels::mesh_mlo, needs);
    const auto last_merge = [](std::vector<Action>& program) {
        return std::find_if(program.rbegin(), program.rend(),
                            [](const Action& action) { return action.kind == Kind::merge; });
    };
    expect_complaint(
        merge, needs, [&](Programs& t) { t[0].erase(std::next(last_merge(t[0])).base()); },
        "rank 0 ends without chunk 1 in register 0 of queries 0 of user 0, which it needs");
    expect_complaint(
        merge, needs, [&](Programs& t) { t[3].push_back(*last_merge(t[3])); },
        "rank 3 ends with keys of chunk 0 counted more than once in register 0 of queries 0 of user 0");
    expect_complaint(
        merge, needs, [&](Programs& t) { last_merge(t[3])->other = 9; },
        "rank 3 merges register 9 of queries 0 of user 0, which nothing was written to");
    expect_complaint(
        merge, needs, [&](Programs& t) { t[0].erase(row_of(t[0], Kind::attend, chunk0)); },
        "which nothing was written to");
}
