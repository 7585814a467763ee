// SPDX-License-Identifier: Apache-2.0
// What takes turns at something that does one at a time.
#include "sim/attention/turns.h"
#include "sim/attention/chains.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using tilemesh::attention::Chains;
using tilemesh::attention::in_turn;
using tilemesh::attention::Turn;

TEST_CASE("turns: work is added up, after the smallest ready and before the smallest rest") {
    CHECK(in_turn({}) == 0);
    CHECK(in_turn({{5, 3, 2}}) == 10);
    CHECK(in_turn({{5, 3, 2}, {6, 4, 1}}) == 5 + 3 + 4 + 1);
    CHECK(in_turn({{0, 3, 10}, {0, 4, 1}}) == 3 + 10);     // what has most to follow goes first
    CHECK(in_turn({{0, 3, 10}, {0, 4, 9}}) == 3 + 4 + 9);  // it matters little here
    CHECK(in_turn({{0, 10, 0}, {2, 3, 20}}) == 2 + 3 + 20);
    CHECK(in_turn({{0, 1, 0}, {100, 1, 0}}) == 101);  // nothing in between
}

TEST_CASE("turns: the largest sum over all sets of them") {
    std::mt19937 random(1);
    const auto number = [&random](int most) { return static_cast<double>(random() % static_cast<unsigned>(most)); };
    for (int round = 0; round < 200; ++round) {
        std::vector<Turn> turns(1 + random() % 7);
        for (Turn& turn : turns) turn = {number(20), number(10), number(30)};
        double largest = 0;
        for (std::size_t set = 1; set < std::size_t{1} << turns.size(); ++set) {
            double ready = 1e9, work = 0, rest = 1e9;
            for (std::size_t i = 0; i < turns.size(); ++i) {
                if ((set >> i & 1) == 0) continue;
                ready = std::min(ready, turns[i].ready);
                work += turns[i].work;
                rest = std::min(rest, turns[i].rest);
            }
            largest = std::max(largest, ready + work + rest);
        }
        CHECK(in_turn(turns) == largest);
    }
}

TEST_CASE("chains: what comes in whatever order has its turn when it has come, one after the other") {
    const auto after = [](const std::vector<double>& firsts, bool all) {
        Chains chains;
        std::vector<Chains::Moment> moments;
        for (const double first : firsts) moments.push_back(chains.add(first));
        const Chains::Moment then = chains.add(), end = chains.add();
        chains.follow_in_turn(moments, then, 5, all);
        chains.follow(then, end, 1);
        chains.walk(true);
        for (const Chains::Moment moment : moments)  // whichever it is may be the last
            CHECK(chains.left(moment) == (all || firsts.size() > 1 ? 6 : 1));
        return chains.after(end) - 1;
    };
    CHECK(after({}, true) == 0);
    CHECK(after({10}, true) == 15);
    CHECK(after({10}, false) == 10);
    CHECK(after({10, 12}, true) == 20);
    CHECK(after({12, 10}, true) == 20);
    CHECK(after({10, 12}, false) == 17);  // the first is there, and waits
    CHECK(after({10, 100, 11}, true) == 105);
    CHECK(after({98, 100, 11}, true) == 108);
    CHECK(after({98, 100, 11}, false) == 108);
    CHECK(after({10, 10, 10}, false) == 20);
}
