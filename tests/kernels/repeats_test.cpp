// SPDX-License-Identifier: Apache-2.0
// What is measured, when it may be passed over, and what is said of that, on a clock that a test sets.
#include "tests/kernels/set_clock.h"

#include <catch2/catch.hpp>

using namespace kernel_test;

namespace {

/// Stretches issued until one may be passed over.
int issued_until_known(Repeats& repeats, SetClock& clock, const Stretch& stretch, std::uint64_t round) {
    int issued = 0;
    while (!repeats.may_pass(stretch) && issued < 100) {
        issue(repeats, clock, stretch, round);
        ++issued;
    }
    return issued;
}

}  // namespace

TEST_CASE("a stretch is known when two that followed one of its kind agree") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 3};
    CHECK(issued_until_known(repeats, clock, stretch, 100) == 3);
    const Picoseconds begin = clock.now.time;
    pass(repeats, stretch);
    CHECK((clock.now.time - begin) == Picoseconds(300));
    CHECK(clock.engines == clock.now.time);
    CHECK(clock.all_passed.commands() == 3);
    CHECK(clock.all_passed.of(EngineKind::matrix).work == 30);
    CHECK_FALSE(repeats.may_pass({8, 0, 0, 3}));
}

TEST_CASE("kinds that take turns are measured, each behind the one that was before it the last time") {
    SetClock clock;
    Repeats repeats(&clock);
    const std::vector<Stretch> turns = {{7, 0, 0, 3}, {8, 0, 0, 2}, {9, 0, 0, 1}};
    for (int i = 0; i < 4; ++i) {
        for (const Stretch& stretch : turns) CHECK_FALSE((i < 3 && repeats.may_pass(stretch)));
        for (const Stretch& stretch : turns) issue(repeats, clock, stretch, 50);
    }
    std::int64_t passed = 0;
    for (const Stretch& stretch : turns) {
        REQUIRE(repeats.may_pass(stretch));
        pass(repeats, stretch);
        passed += static_cast<std::int64_t>(stretch.alike);
        CHECK(clock.all_passed.commands() == passed);
    }
}

TEST_CASE("what has to be measured wants the one before it issued, if that is what was before it the last time") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch often{7, 0, 0, 3}, busy{7, 1, 0, 3}, other{8, 0, 0, 3};
    issued_until_known(repeats, clock, often, 100);
    CHECK(repeats.wants_before(busy, often));
    CHECK_FALSE(repeats.wants_before(often, often));  // is known
    CHECK_FALSE(repeats.wants_before(other, often));
    issue(repeats, clock, other, 100);
    CHECK(repeats.wants_before(other, often));
    CHECK_FALSE(repeats.wants_before({0, 0, 0, 3}, often));
}

TEST_CASE("what blocks do after their stretch is its own") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 3};
    Effort* before = nullptr;
    for (int i = 0; !repeats.may_pass(stretch) && i < 100; ++i) {
        repeats.begin(stretch);
        // The last product of the stretch before, and all but that of its own.
        if (before) ++before->of(EngineKind::matrix).commands;
        before = repeats.of_blocks();
        before->of(EngineKind::matrix).commands += i;  // those of each are another number
        clock.work(300);
        for (int round = 0; round < 3; ++round) repeats.round_ends();
        repeats.end();
    }
    ++before->of(EngineKind::matrix).commands;  // is issued before anything is passed over
    pass(repeats, stretch);
    CHECK(clock.all_passed.of(EngineKind::matrix).commands == 1 + 1 + 1);  // of the second: the first measured
}

TEST_CASE("what follows an interruption, another kind or what was passed over is not measured") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 3};
    for (int i = 0; i < 5; ++i) {
        issue(repeats, clock, stretch, 100);
        repeats.interrupt();
    }
    CHECK_FALSE(repeats.may_pass(stretch));
    for (std::uint64_t i = 0; i < 5; ++i) {
        issue(repeats, clock, stretch, 100);
        issue(repeats, clock, {8 + i, 0, 0, 1}, 100);
    }
    CHECK_FALSE(repeats.may_pass(stretch));
    issued_until_known(repeats, clock, stretch, 100);
    pass(repeats, stretch);
    // Twice as long, but cold: nobody doubts.
    issue(repeats, clock, stretch, 200);
    CHECK(clock.doubted == Picoseconds());
}

TEST_CASE("it is measured again, later and later, and doubted by what was passed over since") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 3};
    issued_until_known(repeats, clock, stretch, 100);
    int before = 0;
    for (const int expected : {8, 32, 128, 256, 256}) {
        int passed = 0;
        while (repeats.may_pass(stretch)) {
            pass(repeats, stretch);
            ++passed;
        }
        CHECK(passed == expected);
        CHECK(issued_until_known(repeats, clock, stretch, 100) == 2);
        before = passed;
    }
    CHECK(before == 256);
    CHECK(clock.doubted == Picoseconds());
    pass(repeats, stretch);
    pass(repeats, stretch);
    issue(repeats, clock, stretch, 110);
    issue(repeats, clock, stretch, 110);  // 330 where 300 was taken, twice
    CHECK(clock.doubted == Picoseconds(60));
    CHECK_FALSE(repeats.may_pass(stretch));
}

TEST_CASE("rounds that are alike may differ in number") {
    SetClock clock;
    Repeats repeats(&clock);
    issued_until_known(repeats, clock, {7, 0, 1, 10}, 100);
    const Picoseconds begin = clock.now.time;
    pass(repeats, {7, 0, 1, 14});
    CHECK((clock.now.time - begin) == Picoseconds(1500));
    CHECK(clock.all_passed.of(EngineKind::matrix).commands == 15);
}

TEST_CASE("what is issued for something else is no part of a stretch") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 2};
    for (int issued = 0; issued < 3; ++issued) {
        repeats.begin(stretch);
        for (int i = 0; i < 2; ++i) {
            clock.work(1000);
            const auto two = [&] {  // one of them belongs to a third
                clock.work(10);
                CHECK(repeats.aside([&] { clock.work(10); }).commands() == 1);
            };
            CHECK(repeats.aside(two).commands() == 1);
            repeats.round_ends();
        }
        repeats.end();
    }
    REQUIRE(repeats.may_pass(stretch));
    pass(repeats, stretch);
    CHECK(clock.all_passed.commands() == 2);
    Effort one;
    one.of(EngineKind::matrix).commands = 1;
    repeats.was_issued(one);
    CHECK(clock.all_passed.commands() == 1);
}

TEST_CASE("a stretch has the time of those of its pace, and follows any of its kind") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch plain{7, 1, 0, 2}, busy{7, 2, 0, 2};
    for (int i = 0; i < 3; ++i) {
        issue(repeats, clock, plain, 100);
        issue(repeats, clock, busy, 150);
    }
    REQUIRE(repeats.may_pass(plain));
    REQUIRE(repeats.may_pass(busy));
    const Picoseconds begin = clock.now.time;
    pass(repeats, busy);
    CHECK(clock.now.time - begin == Picoseconds(300));
    pass(repeats, plain);
    CHECK(clock.now.time - begin == Picoseconds(500));
}

TEST_CASE("no engine does more than it can, and parts of a stretch sum up to it") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 1};
    for (int i = 0; i < 3; ++i) issue(repeats, clock, stretch, 100, 130);  // ahead of its engine
    REQUIRE(repeats.may_pass(stretch));
    const Picoseconds begin = clock.now.time;
    repeats.begin_passing(stretch);
    repeats.pass_to(0.5);
    CHECK(clock.engines - begin == Picoseconds(65));
    clock.now.time += Picoseconds(1000);  // a transfer had to wait: the engines went on meanwhile
    repeats.end_passing();
    CHECK(clock.engines - begin == Picoseconds(130));
    CHECK(clock.now.time - begin == Picoseconds(1065));
}

TEST_CASE("it is a stretch's own work that engines do, not the end of another that was issued meanwhile") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch large{7, 0, 0, 1}, small{8, 0, 0, 1};
    Effort* before = nullptr;
    for (int i = 0; i < 8; ++i) {
        repeats.begin(i % 2 == 0 ? large : small);
        if (before) before->of(EngineKind::matrix).busy += i % 2 == 0 ? 0 : 50;  // the end of the large one
        before = repeats.of_blocks();
        clock.work(150, 100);
        repeats.round_ends();
        repeats.end();
    }
    for (const Stretch& stretch : {large, small}) REQUIRE(repeats.may_pass(stretch));
    const Picoseconds begin = clock.now.time;
    clock.engines = begin;
    for (int i = 0; i < 3; ++i) pass(repeats, large);
    CHECK(clock.engines - begin >= Picoseconds(450));
}

TEST_CASE("engines that are busy in turns are each busy with their own work") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch products{7, 0, 0, 1}, exponentials{8, 0, 0, 1};
    for (int i = 0; i < 8; ++i) {
        repeats.begin(i % 2 == 0 ? products : exponentials);
        clock.work(80, i % 2 == 0 ? 100 : 20);
        clock.now.effort.of(EngineKind::vector).busy += i % 2 == 0 ? 20 : 100;
        repeats.round_ends();
        repeats.end();
    }
    for (const Stretch& stretch : {products, exponentials}) REQUIRE(repeats.may_pass(stretch));
    const Picoseconds begin = clock.now.time;
    clock.engines = begin;
    pass(repeats, products);
    CHECK(clock.engines - begin == Picoseconds(100));
    pass(repeats, exponentials);
    CHECK(clock.engines - begin == Picoseconds(160));
}

TEST_CASE(
    "what is held up by late data is doubted, and for more than a thousandth of the time nothing is passed over") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 2};
    for (int i = 0; i < 3; ++i) issue(repeats, clock, stretch, 50000, 50000);
    const auto pass_late = [&](std::uint64_t late) {
        repeats.begin_passing(stretch);
        repeats.needs(std::max(clock.now.time, clock.engines) + Picoseconds(late), 0.0, 0.0);
        repeats.end_passing();
    };
    clock.engines = clock.now.time;
    pass_late(100);
    CHECK(clock.doubted == Picoseconds(100));
    CHECK(repeats.may_pass(stretch));
    pass_late(500);
    CHECK(clock.doubted == Picoseconds(600));
    CHECK_FALSE(repeats.may_pass(stretch));
    const Picoseconds then = clock.now.time;
    clock.now.time = then + then - Picoseconds(1);
    CHECK_FALSE(repeats.may_pass(stretch));
    clock.now.time = then + then;
    CHECK(repeats.may_pass(stretch));
}

TEST_CASE("a stretch in which engines stand still for most of the time is issued: others decide how long it is") {
    for (const std::int64_t busy : {49, 51}) {
        SetClock clock;
        Repeats repeats(&clock);
        const Stretch stretch{7, 0, 0, 3};
        for (int i = 0; i < 6; ++i) issue(repeats, clock, stretch, 100, busy);
        CHECK(repeats.may_pass(stretch) == (busy > 50));
    }
}

TEST_CASE("what is not measured again is doubted by how far the last two were from each other") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 2};
    for (const std::uint64_t round : {100, 100, 101}) issue(repeats, clock, stretch, round);
    for (int i = 0; i < 3; ++i) pass(repeats, stretch);
    CHECK(clock.doubted == Picoseconds());
    repeats.close();
    CHECK(clock.doubted == Picoseconds(3 * 2));
}

TEST_CASE("what is passed over waits for what it needs") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 2};
    for (int i = 0; i < 3; ++i) issue(repeats, clock, stretch, 100, 100);
    const Picoseconds begin = clock.now.time;
    repeats.begin_passing(stretch);
    repeats.needs(begin, 0.0, 0.0);
    repeats.pass_to(0.5);
    repeats.needs(begin + Picoseconds(150), 0.5, 0.1);  // the engines are there after 100, and have 20 to do
    repeats.end_passing();
    CHECK(clock.now.time - begin == Picoseconds(230));
    CHECK(clock.engines - begin == Picoseconds(230));
}

TEST_CASE("a kind that was measured to differ has to agree more often") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 3}, other{8, 0, 0, 3};
    for (const std::uint64_t round : {100, 100, 90}) issue(repeats, clock, stretch, round);  // the last one differs
    for (int i = 0; i < 5; ++i) issue(repeats, clock, other, 100);
    REQUIRE(repeats.may_pass(other));  // all is quiet
    issue(repeats, clock, stretch, 90);
    issue(repeats, clock, stretch, 90);
    CHECK_FALSE(repeats.may_pass(stretch));
    issue(repeats, clock, stretch, 90);
    CHECK(repeats.may_pass(stretch));
}

TEST_CASE("nothing is passed over while stretches of any kind differ from what they were") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch known{7, 0, 0, 3}, other{8, 0, 0, 3};
    issued_until_known(repeats, clock, known, 100);
    for (const std::uint64_t round : {100, 100, 120}) issue(repeats, clock, other, round);  // the last one differs
    for (int agreement = 0; agreement < 2; ++agreement) {
        CHECK_FALSE(repeats.may_pass(known));
        issue(repeats, clock, other, 100);
    }
    CHECK(repeats.may_pass(known));
}

TEST_CASE("what is issued between parts of what is passed over holds up engines whose queues are empty") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 2};
    for (int i = 0; i < 3; ++i) issue(repeats, clock, stretch, 100, 100);
    REQUIRE(repeats.may_pass(stretch));
    const Picoseconds begin = clock.now.time;
    repeats.begin_passing(stretch);
    repeats.pass_to(0.5);
    clock.engines += Picoseconds(30);  // have that to do
    clock.now.time += Picoseconds(70);
    repeats.interrupted();
    repeats.end_passing();
    CHECK(clock.engines - begin == Picoseconds(270));
}
