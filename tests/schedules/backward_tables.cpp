// SPDX-License-Identifier: Apache-2.0
// The tables of the backward pass: what travels over which link, in closed form, and that they are sound under every
// mask and sharding. C is a chunk in f16, G its gradient (dk, dv) in f32: G = 2 C.
#include "sim/attention/schedule_check.h"
#include "tests/attention/cases.h"
#include "tests/schedules/example.h"

#include <catch2/catch.hpp>

using namespace example;

namespace {

constexpr LinkId east(int rank) { return static_cast<LinkId>(2 * rank); }      // rank -> rank + 1
constexpr LinkId west(int rank) { return static_cast<LinkId>(2 * rank + 1); }  // rank + 1 -> rank

/// dk and dv of one key: all kv heads, four bytes per element.
std::uint64_t gradient_bytes(const Problem& p) {
    return static_cast<std::uint64_t>(p.heads_kv * p.head_dim + p.heads_kv * p.value_dim) * 4;
}
std::uint64_t carried(const LinkTraffic& traffic, LinkId link) {
    const auto found = traffic.bytes.find(link);
    return found == traffic.bytes.end() ? 0 : found->second;
}

}  // namespace

TEST_CASE("the backward wave carries (r+1)C + (n-1-r)G eastward and (n-1-r)C + (r+1)G westward") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p), gradient = 12 * gradient_bytes(p);
        const Schedule schedule = in_a_row(kernels::mesh_kv_backward, needs);
        CHECK_NOTHROW(check_schedule(schedule, needs));
        const LinkTraffic traffic = link_traffic(schedule, whole_items(p, needs, schedule), line_route());
        for (int r = 0; r + 1 < n; ++r) {
            CHECK(carried(traffic, east(r)) == number(r + 1) * chunk + number(n - 1 - r) * gradient);
            CHECK(carried(traffic, west(r)) == number(n - 1 - r) * chunk + number(r + 1) * gradient);
        }
        CHECK(traffic.hop_bytes == number(n * (n - 1)) * (chunk + gradient));
    }
}

TEST_CASE("a causal mask sends chunks east and gradients west: (r+1)C and (r+1)G") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n, causal_mask());
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p), gradient = 12 * gradient_bytes(p);
        const Schedule schedule = in_a_row(kernels::mesh_kv_backward, needs);
        const LinkTraffic traffic = link_traffic(schedule, whole_items(p, needs, schedule), line_route());
        for (int r = 0; r + 1 < n; ++r) {
            CHECK(carried(traffic, east(r)) == number(r + 1) * chunk);
            CHECK(carried(traffic, west(r)) == number(r + 1) * gradient);
        }
    }
}

TEST_CASE("round a native ring each link carries (n-1)(C + G) one way: what the owner adds stays at home") {
    for (const int n : rank_counts) {
        if (n < 3) continue;  // with two ranks both directions are the same link
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p), gradient = 12 * gradient_bytes(p);
        const Schedule schedule = in_a_row(kernels::ring_kv_backward, needs);
        const Counts counts = count(schedule);
        CHECK(counts.chunk_transfers == number(n * (n - 1)));
        CHECK(counts.gradient_transfers == number(n * (n - 1)));
        const LinkTraffic traffic = link_traffic(schedule, whole_items(p, needs, schedule), ring_route(n));
        for (int r = 0; r < n; ++r) {
            CHECK(carried(traffic, east(r)) == number(n - 1) * (chunk + gradient));
            CHECK(carried(traffic, west(r)) == 0);
        }
    }
}

TEST_CASE("on an open line the ring's wrap doubles it: 2(n-1)^2 (C + G) hop-bytes") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const Schedule schedule = in_a_row(kernels::ring_kv_backward, needs);
        const LinkTraffic traffic = link_traffic(schedule, whole_items(p, needs, schedule), line_route());
        CHECK(traffic.hop_bytes == 2 * square(number(n - 1)) * 12 * (token_bytes(p) + gradient_bytes(p)));
    }
}

TEST_CASE("a window of w keys sends w-1 keys to the next rank and their gradients back, no more") {
    const std::int64_t window = 5;
    for (const int n : {2, 3, 5, 8}) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n, all_of({causal_mask(), std::make_shared<NotLongAgo>(window)}));
        const NeedSets needs(p, n);
        for (const auto make : {kernels::mesh_kv_backward, kernels::ring_kv_backward}) {
            const Schedule schedule = in_a_row(make, needs);
            CHECK_NOTHROW(check_schedule(schedule, needs));
            const LinkTraffic traffic = link_traffic(schedule, whole_items(p, needs, schedule), line_route());
            for (int r = 0; r + 1 < n; ++r) {
                CHECK(carried(traffic, east(r)) == number(window - 1) * token_bytes(p));
                CHECK(carried(traffic, west(r)) == number(window - 1) * gradient_bytes(p));
            }
        }
    }
}

TEST_CASE("backward tables are sound for any number of ranks, tokens, masks and shardings") {
    for (const auto& mask : {full_mask(), causal_mask(), all_of({causal_mask(), std::make_shared<NotLongAgo>(9)})})
        for (const Sharding sharding : {Sharding::contiguous, Sharding::zigzag, Sharding::striped})
            for (int n = 1; n <= 9; ++n)
                for (const std::int64_t tokens : {1, 4, 29, 97}) {
                    const Problem p = problem({{tokens, tokens, 0}, {tokens + 7, 3, tokens + 4}}, mask);
                    const NeedSets needs(p, n, sharding);
                    CAPTURE(n, tokens);
                    for (const auto make : {kernels::mesh_kv_backward, kernels::ring_kv_backward})
                        CHECK_NOTHROW(check_schedule(in_a_row(make, needs), needs));
                    const NeedSets alone(p, 1, sharding);
                    CHECK_NOTHROW(check_schedule(in_a_row(kernels::attention_backward, alone), alone));
                }
}

TEST_CASE("a gradient that a rank forgets to send home, or sends with other keys than it holds, is found") {
    const Problem p = self_attention(24);
    const NeedSets needs(p, 2);
    const Item chunk{.id = 0}, gradient{.kind = Item::Kind::gradient, .id = 0};
    const auto table = [&](bool returns, const Ranges& keys) {
        Schedule schedule(2, 1, 1, Schedule::Pass::backward);
        schedule.attend_own(needs, 0);
        for (const int origin : {0, 1}) {
            Item moved = chunk;
            moved.id = origin;
            schedule.transfer(1, origin, 1 - origin, moved, {{0, 12}});
            schedule.attend(1, 1 - origin, 1 - origin, moved, {{0, 12}});
            if (origin == 0 && !returns) continue;
            Item home = gradient;
            home.id = origin;
            home.copy = 1;
            schedule.transfer(2, 1 - origin, origin, home, origin == 0 ? keys : Ranges{{0, 12}}, 0);
            home.copy = 0;
            schedule.merge(2, origin, home, 1, origin == 0 ? keys : Ranges{{0, 12}});
        }
        return schedule;
    };
    CHECK_NOTHROW(check_schedule(table(true, {{0, 12}}), needs));
    CHECK_THROWS_AS(check_schedule(table(false, {}), needs), InternalError);
    CHECK_THROWS_AS(check_schedule(table(true, {{0, 11}}), needs), InternalError);
}
