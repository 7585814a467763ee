// SPDX-License-Identifier: Apache-2.0
// Bins of a run whose length nobody knows beforehand.
#include "sim/insight/busy_share.h"

#include <catch2/catch.hpp>

#include <numeric>

using namespace tilemesh;
using insight::BusyShare;

namespace {

std::uint64_t sum(const BusyShare& share) {
    return std::accumulate(share.busy().begin(), share.busy().end(), std::uint64_t{0},
                           [](std::uint64_t total, Picoseconds busy) { return total + busy.value(); });
}

}  // namespace

TEST_CASE("a stretch is in the bins that it overlaps, with its part in each") {
    BusyShare share;
    share.add(Picoseconds(1900), Picoseconds(3200));
    REQUIRE(share.width() == Picoseconds(1000));
    REQUIRE(share.busy().size() == 4);
    CHECK(share.busy()[0] == Picoseconds(0));
    CHECK(share.busy()[1] == Picoseconds(100));
    CHECK(share.busy()[2] == Picoseconds(1000));
    CHECK(share.busy()[3] == Picoseconds(200));
}

TEST_CASE("bins become wider as the run goes on, and lose nothing") {
    BusyShare share;
    std::uint64_t total = 0, at = 0;
    for (std::uint64_t i = 0; i < 20000; ++i) {
        const std::uint64_t length = 1 + i * 7919 % 3000;
        share.add(Picoseconds(at), Picoseconds(at + length));
        total += length;
        at += length + i * 104729 % 5000;
        REQUIRE(share.busy().size() <= BusyShare::most_bins);
    }
    CHECK(sum(share) == total);
    CHECK(share.width().value() * BusyShare::most_bins >= at - 5000);
    CHECK(share.width().value() * BusyShare::most_bins < 2 * at);
    for (const Picoseconds busy : share.busy()) CHECK(busy <= share.width());
}

TEST_CASE("the last bin of an odd number of bins keeps what it has when they become wider") {
    BusyShare share;
    share.add(Picoseconds(2000), Picoseconds(2500));
    share.cover(Picoseconds(BusyShare::most_bins * 1000 + 1));
    REQUIRE(share.width() == Picoseconds(2000));
    REQUIRE(share.busy().size() == 2);
    CHECK(share.busy()[1] == Picoseconds(500));
}
