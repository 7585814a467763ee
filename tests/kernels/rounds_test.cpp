// SPDX-License-Identifier: Apache-2.0
// Which rounds of a stretch that is issued may be passed over, on a clock that a test sets.
#include "tests/kernels/set_clock.h"

#include <catch2/catch.hpp>

using namespace kernel_test;

namespace {

/// Issues the stretch, passing over what may be. Returns how many rounds were issued.
std::size_t issue_or_pass_rounds(Repeats& repeats, SetClock& clock, const Stretch& stretch, std::uint64_t round,
                                 std::uint64_t later = 0) {
    std::size_t issued = 0;
    repeats.begin(stretch);
    for (std::size_t done = 0; done < stretch.first + stretch.alike;) {
        if (const std::size_t rounds = repeats.rounds_to_pass(); rounds > 0) {
            repeats.begin_passing_rounds(rounds);
            repeats.end_passing();
            done += rounds;
            if (later > 0) round = later;
        } else {
            clock.work(round, static_cast<std::int64_t>(round) * 19 / 20);
            repeats.round_ends();
            ++done, ++issued;
        }
    }
    repeats.end();
    return issued;
}

}  // namespace

TEST_CASE("rounds that take the same time are passed over within a stretch") {
    SetClock clock;
    Repeats repeats(&clock);
    const Picoseconds begin = clock.now.time;
    CHECK(issue_or_pass_rounds(repeats, clock, {7, 0, 2, 100}, 100) == 2 + 12 + 4);
    CHECK(clock.now.time - begin == Picoseconds(10200));
    CHECK(clock.all_passed.of(EngineKind::matrix).work == 84 * 10);
    CHECK(clock.doubted == Picoseconds());
    // Few are not worth it.
    CHECK(issue_or_pass_rounds(repeats, clock, {8, 0, 0, 23}, 100) == 23);
    // Of many, some are issued now and then, and compared with what they were taken for: 256 x 10 too short. That is
    // more than half a percent of the time, and all others are issued.
    CHECK(issue_or_pass_rounds(repeats, clock, {9, 0, 0, 400}, 100) == 12 + 12 + 4);
    CHECK(clock.doubted == Picoseconds());
    CHECK(issue_or_pass_rounds(repeats, clock, {10, 0, 0, 400}, 100, 110) == 400 - 256);
    CHECK(clock.doubted == Picoseconds(2560));
}

TEST_CASE(
    "rounds that are passed over are compared with those that are alike, and stop before something else is done") {
    SetClock clock;
    Repeats repeats(&clock);
    repeats.begin({7, 0, 0, 100});
    const auto work = [&](int rounds, std::uint64_t each, std::int64_t busy) {
        for (int i = 0; i < rounds; ++i) {
            clock.work(each, busy);
            repeats.round_ends();
        }
    };
    work(12, 100, 95);
    CHECK(repeats.rounds_to_pass(7) == 0);
    CHECK(repeats.rounds_to_pass(20) == 20);
    CHECK(repeats.rounds_to_pass() == 84);
    repeats.begin_passing_rounds(84);
    repeats.end_passing();
    work(4, 100, 95);
    work(20, 30, 30);  // others
    CHECK(clock.doubted == Picoseconds());
    // Too few are left to compare with: what they may be off is what those before are from each other.
    repeats.begin({8, 0, 0, 2400});
    work(4, 10000, 9500), work(4, 10040, 9500), work(4, 10080, 9500);
    REQUIRE(repeats.rounds_to_pass(2384) == 256);
    repeats.begin_passing_rounds(2384);
    repeats.end_passing();
    CHECK(clock.doubted == Picoseconds(2384 * 20));
}

TEST_CASE("rounds that do not outlast a refresh are issued, and so are stretches of them") {
    for (const std::uint64_t pause : {49U, 51U}) {
        SetClock clock;
        clock.pause = Picoseconds(pause);
        Repeats repeats(&clock);
        CHECK(issue_or_pass_rounds(repeats, clock, {7, 0, 0, 100}, 100) == (pause < 50 ? 16 : 100));
        for (int i = 0; i < 3; ++i) issue(repeats, clock, {8, 0, 0, 10}, 100);
        CHECK(repeats.may_pass({8, 0, 0, 10}) == (pause < 50));
    }
}

TEST_CASE("rounds of which four take a percent longer than the four before are issued") {
    for (const std::uint64_t more : {4U, 10U}) {  // of a thousand
        SetClock clock;
        Repeats repeats(&clock);
        repeats.begin({7, 0, 0, 60});
        bool passed = false;
        for (std::uint64_t i = 0; i < 40; ++i) {
            passed = passed || repeats.rounds_to_pass() > 0;
            clock.work(1000 + more * (i / 4), 950);
            repeats.round_ends();
        }
        CHECK(passed == (more < 5));
    }
}

TEST_CASE("rounds that take longer and longer, crowd HBM or wait are issued") {
    struct Case {
        std::uint64_t growth;      // picoseconds more than the round before
        std::int64_t busy, moved;  // percent of the first
    };
    const Case one = GENERATE(values<Case>({{50, 95, 0}, {0, 95, 26}, {0, 85, 0}}));
    CAPTURE(one.growth, one.busy, one.moved);
    SetClock clock;
    Repeats repeats(&clock);
    repeats.begin({7, 0, 0, 40});
    for (std::uint64_t i = 0; i < 40; ++i) {
        CHECK(repeats.rounds_to_pass() == 0);
        clock.now.effort.of(EngineKind::dma_load).busy += 10 * one.moved;
        clock.work(1000 + one.growth * i, 10 * one.busy + static_cast<std::int64_t>(one.growth * i));
        repeats.round_ends();
    }
    repeats.end();
}

TEST_CASE("rounds that take the same time but do not ask the same of every engine are issued") {
    const int every = GENERATE(2, 3, 5);
    SetClock clock;
    Repeats repeats(&clock);
    repeats.begin({7, 0, 0, 40});
    for (int i = 0; i < 40; ++i) {
        CHECK(repeats.rounds_to_pass() == 0);
        if (i % every == 0) ++clock.now.effort.of(EngineKind::dma_load).commands;
        clock.work(1000, 950);
        repeats.round_ends();
    }
    repeats.end();
}

TEST_CASE("a stretch with rounds that were passed over is measured with them") {
    SetClock clock;
    Repeats repeats(&clock);
    const Stretch stretch{7, 0, 0, 100};
    while (!repeats.may_pass(stretch)) issue_or_pass_rounds(repeats, clock, stretch, 100);
    const Picoseconds begin = clock.now.time;
    const std::int64_t before = clock.all_passed.commands();
    pass(repeats, {7, 0, 0, 120});
    CHECK(clock.now.time - begin == Picoseconds(12000));
    CHECK(clock.all_passed.commands() - before == 120);
}
