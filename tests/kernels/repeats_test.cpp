// SPDX-License-Identifier: Apache-2.0
// What is measured, when it may be passed over, and what is said of that, on a clock that a test sets.
#include "kernels/attention/repeats.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using kernels::Repeats;
using kernels::Stretch;

namespace {

/// A processor whose stretches take and do what the test says.
class SetClock final : public Repetition {
public:
    Reading read() const override { return now; }
    Effort* charge(Effort*) override { return nullptr; }
    void begin() override {}
    void end() override {}
    void pass(Picoseconds length, Picoseconds until) override {
        engines += length;
        now.time = std::max(now.time, until);
    }
    Picoseconds hold_up(Picoseconds ready) override {
        const Picoseconds held = ready > engines ? ready - engines : Picoseconds();
        engines += held;
        return held;
    }
    void passed(const Effort& effort) override { all_passed += effort; }
    void doubt(Picoseconds error) override { doubted += error; }

    /// A round of so many picoseconds with one product.
    void work(std::uint64_t ps, std::int64_t busy = 0) {
        now.time += Picoseconds(ps);
        ++now.effort.of(EngineKind::matrix).commands;
        now.effort.of(EngineKind::matrix).work += 10;
        now.effort.of(EngineKind::matrix).busy += busy;
    }

    Reading now;
    Effort all_passed;
    Picoseconds engines, doubted;
};

void issue(Repeats& repeats, SetClock& clock, const Stretch& stretch, std::uint64_t round, std::int64_t busy = 0) {
    repeats.begin(stretch);
    for (std::size_t i = 0; i < stretch.first + stretch.alike; ++i) {
        clock.work(round, busy);
        repeats.round_ends();
    }
    repeats.end();
}

/// Stretches issued until one may be passed over.
int issued_until_known(Repeats& repeats, SetClock& clock, const Stretch& stretch, std::uint64_t round) {
    int issued = 0;
    while (!repeats.may_pass(stretch) && issued < 100) {
        issue(repeats, clock, stretch, round);
        ++issued;
    }
    return issued;
}

void pass(Repeats& repeats, const Stretch& stretch) {
    repeats.begin_passing(stretch);
    repeats.end_passing();
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

TEST_CASE("two kinds that take turns are measured") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch one{7, 0, 0, 3}, other{8, 0, 0, 2};
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(repeats.may_pass(one));
        issue(repeats, clock, one, 100);
        CHECK_FALSE(repeats.may_pass(other));
        issue(repeats, clock, other, 50);
    }
    CHECK(repeats.may_pass(one));
    CHECK(repeats.may_pass(other));
    pass(repeats, one);
    CHECK(clock.all_passed.commands() == 3);
    pass(repeats, other);
    CHECK(clock.all_passed.commands() == 5);
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
    for (int i = 0; i < 5; ++i) {
        issue(repeats, clock, stretch, 100);
        issue(repeats, clock, {8, 0, 0, 1}, 100);
        issue(repeats, clock, {9, 0, 0, 1}, 100);
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
            repeats.set_aside();
            clock.work(10);
            CHECK(repeats.take_up().commands() == 1);
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
