// SPDX-License-Identifier: Apache-2.0
// Turns on a link, worked out, against turns played through flit by flit.
#include "sim/noc/turns.h"
#include "sim/base/random.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

using namespace tilemesh;
using namespace tilemesh::noc;

namespace {

constexpr std::uint64_t turn_ps = 10;

struct Arrival {
    std::uint64_t when;
    std::uint64_t work;
};

using Times = std::map<int, std::uint64_t>;

/// One flit after the other; who arrives while a flit is going queues behind all who wait and before who sends it.
/// `begun`: when everybody's first flit is.
Times played_through(const std::vector<Arrival>& arrivals, Times* begun = nullptr) {
    Times finished;
    std::deque<std::pair<int, std::uint64_t>> queue;
    std::size_t next = 0;
    std::uint64_t now = 0;
    const auto let_in = [&](std::uint64_t until) {
        for (; next < arrivals.size() && arrivals[next].when <= until; ++next)
            queue.emplace_back(static_cast<int>(next), arrivals[next].work);
    };
    while (next < arrivals.size() || !queue.empty()) {
        if (queue.empty()) now = std::max(now, arrivals[next].when);
        let_in(now);
        auto [who, left] = queue.front();
        queue.pop_front();
        if (begun) begun->try_emplace(who, now);
        const std::uint64_t sent = std::min(left, turn_ps);
        // Whoever comes before the flit has gone gets a turn before its sender does again.
        let_in(now + sent - 1);
        now += sent;
        if (left > sent) {
            queue.emplace_back(who, left - sent);
        } else {
            finished[who] = now;
        }
    }
    return finished;
}

Times worked_out(const std::vector<Arrival>& arrivals, Times* begun = nullptr) {
    Turns turns{Picoseconds(turn_ps)};
    Times finished;
    const auto take_until = [&](Picoseconds limit) {
        while (turns.next_finish() <= limit && !turns.empty()) {
            const Picoseconds now = turns.next_finish();
            const int who = turns.take_finished(now);
            REQUIRE(who != Turns::nobody);
            finished[who] = now.value();
        }
    };
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        take_until(Picoseconds(arrivals[i].when));
        const Picoseconds first =
            turns.join(static_cast<int>(i), Picoseconds(arrivals[i].work), Picoseconds(arrivals[i].when));
        if (begun) (*begun)[static_cast<int>(i)] = first.value();
    }
    take_until(Picoseconds::max());
    return finished;
}

}  // namespace

TEST_CASE("what is left for everybody at any moment is what flits played through leave") {
    // Three packets of 3, 5 and 4 turns of 10 ps that begin at 0: A B C A B C A B C . B C . B.
    Turns turns{Picoseconds(10)};
    turns.join(0, Picoseconds(30), Picoseconds());
    turns.join(1, Picoseconds(50), Picoseconds());
    turns.join(2, Picoseconds(40), Picoseconds());
    std::vector<std::uint64_t> left(3);
    const auto at = [&](std::uint64_t now) {
        turns.visit_left(Picoseconds(now),
                         [&](int who, Picoseconds time) { left[static_cast<std::size_t>(who)] = time.value(); });
        return left;
    };
    CHECK(at(0) == std::vector<std::uint64_t>{30, 50, 40});
    CHECK(at(4) == std::vector<std::uint64_t>{26, 50, 40});
    CHECK(at(10) == std::vector<std::uint64_t>{20, 50, 40});
    CHECK(at(47) == std::vector<std::uint64_t>{10, 33, 30});
    CHECK(turns.next_finish() == Picoseconds(70));  // looking changes nothing
}

TEST_CASE("alone on the link a packet takes its own time, two take turns") {
    CHECK(worked_out({{5, 35}}) == Times{{0, 40}});
    // Flits at 0 a, 10 b, 20 a, 30 b, 40 a: b ends first.
    CHECK(worked_out({{0, 30}, {3, 20}}) == Times{{0, 50}, {1, 40}});
    // a at 0, b at 10, a at 20, b at 30, what is left of a from 40 to 45, b at 45 and 55.
    CHECK(worked_out({{0, 25}, {3, 40}}) == Times{{0, 45}, {1, 65}});
}

TEST_CASE("everybody ends when they would flit by flit") {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        INFO("seed " << seed);
        std::vector<Arrival> arrivals;
        std::uint64_t when = 0;
        for (std::uint64_t i = 0; i < 12; ++i) {
            // Not on the instants at which turns end, where it is open who is first.
            when += 1 + random_below(seed, 1, i, 9) + turn_ps * random_below(seed, 2, i, 6);
            if (when % turn_ps == 0) ++when;
            arrivals.push_back({when, turn_ps * (1 + random_below(seed, 3, i, 8))});
        }
        CHECK(worked_out(arrivals) == played_through(arrivals));
    }
}

TEST_CASE("everybody begins and ends when they would flit by flit, whenever they come and whatever they need") {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        INFO("seed " << seed);
        std::vector<Arrival> arrivals;
        std::uint64_t when = 0;
        for (std::uint64_t i = 0; i < 20; ++i) {
            // Often on the instants at which turns end; the last flit may be a short one.
            const bool in_step = random_below(seed, 1, i, 2) == 0;
            when += in_step ? turn_ps * random_below(seed, 2, i, 5) : random_below(seed, 3, i, 5 * turn_ps);
            const std::uint64_t flits = random_below(seed, 4, i, 7), last = 1 + random_below(seed, 5, i, turn_ps);
            arrivals.push_back({when, turn_ps * flits + (random_below(seed, 6, i, 2) == 0 ? turn_ps : last)});
        }
        Times begun, begun_played;
        CHECK(worked_out(arrivals, &begun) == played_through(arrivals, &begun_played));
        CHECK(begun == begun_played);
    }
}

TEST_CASE("who has had all turns and is not taken yet is nobody's rival any more") {
    Turns turns{Picoseconds(10)};
    turns.join(0, Picoseconds(10), Picoseconds());
    turns.join(1, Picoseconds(30), Picoseconds());
    // At 10 the first has been sent, and is still here.
    CHECK(turns.join(2, Picoseconds(20), Picoseconds(10)) == Picoseconds(20));
    CHECK(turns.next_finish() == Picoseconds(10));
    std::vector<int> seen;
    turns.visit_left(Picoseconds(10), [&](int who, Picoseconds) { seen.push_back(who); });
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<int>{1, 2});
    CHECK(turns.take_finished(Picoseconds(10)) == 0);
    CHECK(turns.take_finished(Picoseconds(10)) == Turns::nobody);
    // 10 b, 20 c, 30 b, 40 c, 50 b.
    CHECK(turns.next_finish() == Picoseconds(50));
    CHECK(turns.take_finished(Picoseconds(50)) == 2);
    CHECK(turns.next_finish() == Picoseconds(60));
}

TEST_CASE("whose turn it is does not change when somebody before it is taken") {
    Turns turns{Picoseconds(10)};
    turns.join(0, Picoseconds(30), Picoseconds());
    turns.join(1, Picoseconds(10), Picoseconds());
    CHECK(turns.join(2, Picoseconds(20), Picoseconds(20)) == Picoseconds(30));
    CHECK(turns.take_finished(Picoseconds(20)) == 1);
    // 0 a, 10 b, 20 a, 30 c, 40 a, 50 c.
    CHECK(turns.next_finish() == Picoseconds(50));
    CHECK(turns.take_finished(Picoseconds(50)) == 0);
    CHECK(turns.next_finish() == Picoseconds(60));
}
