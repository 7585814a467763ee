// SPDX-License-Identifier: Apache-2.0
// Turns on a link, worked out, against turns played through flit by flit.
#include "sim/noc/turns.h"
#include "sim/base/random.h"

#include <catch2/catch.hpp>

#include <deque>
#include <map>

using namespace tilemesh;
using namespace tilemesh::noc;

namespace {

constexpr std::uint64_t turn_ps = 10;

struct Arrival {
    std::uint64_t when;
    std::uint64_t work;
};

/// One flit after the other; who arrives while a flit is going queues behind all who wait and before who sends it.
std::map<int, std::uint64_t> played_through(const std::vector<Arrival>& arrivals) {
    std::map<int, std::uint64_t> finished;
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

std::map<int, std::uint64_t> worked_out(const std::vector<Arrival>& arrivals) {
    Turns turns{Picoseconds(turn_ps)};
    std::map<int, std::uint64_t> finished;
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
        turns.join(static_cast<int>(i), Picoseconds(arrivals[i].work), Picoseconds(arrivals[i].when));
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
    CHECK(worked_out({{5, 35}}) == std::map<int, std::uint64_t>{{0, 40}});
    // Flits at 0 a, 10 b, 20 a, 30 b, 40 a: b ends first.
    CHECK(worked_out({{0, 30}, {3, 20}}) == std::map<int, std::uint64_t>{{0, 50}, {1, 40}});
    // a at 0, b at 10, a at 20, b at 30, what is left of a from 40 to 45, b at 45 and 55.
    CHECK(worked_out({{0, 25}, {3, 40}}) == std::map<int, std::uint64_t>{{0, 45}, {1, 65}});
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
