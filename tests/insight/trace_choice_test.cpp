// SPDX-License-Identifier: Apache-2.0
// What is in a window, and which PEs are chosen.
#include "sim/base/trace_choice.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

TEST_CASE("a window has what overlaps it, and what takes no time in it") {
    TraceChoice choice;
    choice.from = Picoseconds(100);
    choice.to = Picoseconds(200);
    const auto has = [&](std::uint64_t begin, std::uint64_t end) {
        return choice.has(Picoseconds(begin), Picoseconds(end));
    };
    CHECK_FALSE(has(0, 100));
    CHECK(has(0, 101));
    CHECK(has(0, 1000));
    CHECK(has(199, 300));
    CHECK_FALSE(has(200, 300));
    CHECK(has(100, 100));
    CHECK_FALSE(has(99, 99));
    CHECK_FALSE(has(200, 200));
}

TEST_CASE("all PEs are chosen until some are") {
    TraceChoice choice;
    CHECK(choice.has(0));
    CHECK(choice.has(1000));
    choice.pes = {{2, 4}, {9, 9}};
    for (int pe = 0; pe < 12; ++pe) CHECK(choice.has(pe) == ((pe >= 2 && pe <= 4) || pe == 9));
}
