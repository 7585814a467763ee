// SPDX-License-Identifier: Apache-2.0
// Is a load too much? From counts of packets under way that are known, without a network.
#include "sim/probe/traffic_verdict.h"

#include <catch2/catch.hpp>

#include <functional>

using namespace tilemesh::probe;

namespace {

/// Shows the verdict so many looks, of a number under way that is a function of the look.
TrafficVerdict after(const WatchLimits& limits, int looks, const std::function<std::uint64_t(int)>& under_way) {
    TrafficVerdict verdict(limits, 1);
    for (int i = 0; i < looks && !verdict.decided(); ++i) {
        const auto arrived = static_cast<std::uint64_t>(1000 * i);
        verdict.look(arrived + under_way(i), arrived);
    }
    return verdict;
}

WatchLimits limits(std::uint64_t first, std::uint64_t longest) {
    WatchLimits made;
    made.first = first;
    made.longest = longest;
    return made;
}

}  // namespace

TEST_CASE("slow growth is watched for longer, until the longest watch decides") {
    // A packet more at each look, a thousandth of what a link moves between looks: steady, but next to nothing.
    const auto slowly = [](int look) { return static_cast<std::uint64_t>(look); };
    const WatchLimits twice = limits(32 * 1000, 2 * 32 * 1000);
    CHECK_FALSE(after(twice, 32, slowly).decided());
    const TrafficVerdict verdict = after(twice, 32 + 16, slowly);
    CHECK(verdict.decided());
    CHECK_FALSE(verdict.saturated());
}

TEST_CASE("a queue that comes and goes is no growth, however long it is; one that grows steadily is") {
    const WatchLimits once = limits(32 * 100, 32 * 100);
    // 1000 packets at 4 of 25 looks, somewhat late: the trend explains a sixth of the variance.
    const TrafficVerdict passing = after(once, 32, [](int i) { return i >= 24 && i < 28 ? 1000U : 0U; });
    CHECK(passing.decided());
    CHECK_FALSE(passing.saturated());
    const TrafficVerdict growing = after(once, 32, [](int i) { return static_cast<std::uint64_t>(40 * i); });
    CHECK(growing.decided());
    CHECK(growing.saturated());
}
