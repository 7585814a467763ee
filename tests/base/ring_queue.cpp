// SPDX-License-Identifier: Apache-2.0
// Does the queue of the hot path keep its order while it wraps around and grows?
#include "sim/base/ring_queue.h"
#include "sim/base/random.h"

#include <catch2/catch.hpp>
#include <deque>
#include <memory>

namespace tilemesh {
namespace {

TEST_CASE("a ring queue behaves as a standard queue under any mixture of pushes and pops") {
    RingQueue<std::unique_ptr<std::uint64_t>> queue;
    std::deque<std::uint64_t> model;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        // Pushes prevail for a while, then pops, so that the array wraps, grows and drains.
        const bool push = random_below(1, 0, i, 10) < (i / 500 % 2 == 0 ? 6u : 4u);
        if (push || model.empty()) {
            model.push_back(i);
            REQUIRE(*queue.push(std::make_unique<std::uint64_t>(i)) == i);
        } else {
            REQUIRE(*queue.pop() == model.front());
            model.pop_front();
        }
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.empty() == model.empty());
        if (model.empty()) continue;
        REQUIRE(*queue.front() == model.front());
        REQUIRE(*queue[model.size() - 1] == model.back());
    }
}

}  // namespace
}  // namespace tilemesh
