// SPDX-License-Identifier: Apache-2.0
// Do lists and queues that are kept in place as long as they are short stay what they are when they grow?
#include "sim/base/few.h"
#include "sim/base/random.h"
#include "sim/base/short_queue.h"

#include <catch2/catch.hpp>
#include <deque>
#include <utility>
#include <vector>

namespace tilemesh {
namespace {

using List = Few<std::uint64_t, 2>;

TEST_CASE("a short list is a vector of the same numbers, copied, moved and compared at any length") {
    for (std::uint64_t length = 0; length < 9; ++length) {
        List list;
        std::vector<std::uint64_t> model;
        for (std::uint64_t i = 0; i < length; ++i) {
            list.push_back(i * i);
            model.push_back(i * i);
        }
        const auto is_model = [&](const List& other) {
            return std::vector<std::uint64_t>(other.begin(), other.end()) == model && other.size() == model.size() &&
                   other.empty() == model.empty();
        };
        CHECK(is_model(list));
        List copy = list, target{7, 8, 9, 10};
        CHECK(is_model(copy));
        target = copy;
        CHECK(is_model(target));
        CHECK(target == copy);
        const List moved = std::move(copy);
        CHECK(is_model(moved));
        target = List{1};
        CHECK_FALSE(target == moved);
        target = std::move(list);
        CHECK(is_model(target));
        target.append(moved);
        CHECK(target.size() == 2 * length);
        target.shorten(length);
        CHECK(target == moved);
        if (length == 0) continue;
        CHECK(target.front() == model.front());
        CHECK(target.back() == model.back());
        target.push_back(target.front());  // one of its own, while it grows
        CHECK(target.back() == model.front());
    }
}

TEST_CASE("a short queue behaves as a standard queue under any mixture of pushes and pops") {
    ShortQueue<std::uint64_t, 2> queue;
    std::deque<std::uint64_t> model;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        const bool push = random_below(1, 0, i, 10) < (i / 500 % 2 == 0 ? 6U : 4U);
        if (push || model.empty()) {
            model.push_back(i);
            queue.push(i);
        } else {
            REQUIRE(queue.pop() == model.front());
            model.pop_front();
        }
        if (i % 100 == 0) {
            ShortQueue<std::uint64_t, 2> elsewhere(std::move(queue));
            REQUIRE(elsewhere.size() == model.size());
            while (!elsewhere.empty()) queue.push(elsewhere.pop());
        }
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.empty() == model.empty());
        if (model.empty()) continue;
        REQUIRE(queue.front() == model.front());
        REQUIRE(queue.back() == model.back());
        REQUIRE(queue[model.size() - 1] == model.back());
    }
}

}  // namespace
}  // namespace tilemesh
