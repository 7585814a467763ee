// SPDX-License-Identifier: Apache-2.0
// The closed forms of link bytes on a line, one row of their table after the other, exactly: placements and shardings
// of the wave and the closed ring, queries that travel, gathering first. Plain waves and rings are in link_bytes.cpp,
// merges and grids in their own files.
#include "sim/attention/timeline.h"
#include "tests/schedules/grids.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace example;

namespace {

/// Ranks ..., 4, 2, 0, 1, 3, 5, ...: those with the first and last half-chunks in the middle.
RankGrid heavy_in_the_middle(int n) {
    std::vector<int> order;
    for (int rank = n - 1; rank > 0; --rank)
        if (rank % 2 == 0) order.push_back(rank);
    for (int rank = 0; rank < n; rank == 0 ? rank = 1 : rank += 2) order.push_back(rank);
    std::vector<int> positions(order.size());
    for (std::size_t place = 0; place < order.size(); ++place)
        positions[static_cast<std::size_t>(order[place])] = static_cast<int>(place);
    return row_of_ranks(positions);
}

/// Ring neighbours, the last and the first too, at most two places apart: out on even places, back on odd ones.
RankGrid folded(int n) {
    std::vector<int> positions;
    for (int place = 0; place < n; place += 2) positions.push_back(place);
    for (int place = n - 1 - n % 2; place > 0; place -= 2) positions.push_back(place);
    return row_of_ranks(positions);
}

}  // namespace

TEST_CASE("causal zigzag shards in rank order: (n-1)C on the busiest link, hop-bytes 3n(n-1)C/4") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(2 * 70 * n, causal_mask());
        const NeedSets needs(p, n, Sharding::zigzag);
        const std::uint64_t half = 70 * token_bytes(p);
        const RankGrid grid = line_of_ranks(n);
        const Schedule wave = kernels::mesh_kv(needs, grid);
        const LinkTraffic traffic = link_traffic(wave, whole_items(p, needs, wave), mesh_route(grid));
        CHECK(traffic.busiest() == number(n - 1) * 2 * half);
        CHECK(2 * traffic.hop_bytes == 3 * number(n * (n - 1)) * half);
    }
}

TEST_CASE("causal zigzag shards with the heavy ranks in the middle: nC/2 on the busiest link, the same hop-bytes") {
    for (const int n : rank_counts) {
        if (n == 1) continue;
        CAPTURE(n);
        const Problem p = self_attention(2 * 70 * n, causal_mask());
        const NeedSets needs(p, n, Sharding::zigzag);
        const std::uint64_t half = 70 * token_bytes(p);
        const RankGrid grid = heavy_in_the_middle(n);
        const Schedule wave = kernels::mesh_kv(needs, grid);
        const LinkTraffic traffic = link_traffic(wave, whole_items(p, needs, wave), mesh_route(grid));
        CHECK(traffic.busiest() == number(n) * half);
        CHECK(2 * traffic.hop_bytes == 3 * number(n * (n - 1)) * half);
    }
}

TEST_CASE("a folded closed ring has hops of at most two links and (n-1)C on every directed link, as a routed one") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p);
        const RankGrid grid = folded(n);
        const Route route = mesh_route(grid);
        for (const auto schedule : {kernels::ring_kv, kernels::ring_kv_bidirectional}) {
            const Schedule ring = schedule(needs, grid);
            for (const auto& [edge, bytes] : edge_bytes(ring, whole_items(p, needs, ring)))
                CHECK(route(edge.first, edge.second).size() <= 2);
            const LinkTraffic traffic = link_traffic(ring, whole_items(p, needs, ring), route);
            CHECK(traffic.bytes.size() == 2 * static_cast<std::size_t>(n - 1));
            for (const auto& [link, bytes] : traffic.bytes) CHECK(bytes == number(n - 1) * chunk);
            CHECK(traffic.hop_bytes == 2 * square(number(n - 1)) * chunk);
        }
    }
}

TEST_CASE("with a real wrap link, both ways and the opposite chunk halved, every link carries (n-1)C/2") {
    for (const int n : rank_counts) {
        if (n < 3) continue;  // two ranks have one link between them, not a ring
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t half = 6 * token_bytes(p);
        const Schedule ring = in_a_row(kernels::ring_kv_halved, needs);
        const LinkTraffic traffic = link_traffic(ring, whole_items(p, needs, ring), ring_route(n));
        CHECK(traffic.bytes.size() == 2 * static_cast<std::size_t>(n));
        for (const auto& [link, bytes] : traffic.bytes) CHECK(bytes == number(n - 1) * half);
        CHECK(traffic.hop_bytes == 2 * number(n * (n - 1)) * half);
    }
}

TEST_CASE(
    "a ring of two is a line of two: one link each way and no wrap, over which a whole chunk goes, halved or not") {
    const Problem p = self_attention(24);
    const NeedSets needs(p, 2);
    const std::uint64_t chunk = 12 * token_bytes(p);
    for (const auto schedule : {kernels::ring_kv, kernels::ring_kv_bidirectional, kernels::ring_kv_halved}) {
        const Schedule table = in_a_row(schedule, needs);
        const LinkTraffic ring = link_traffic(table, whole_items(p, needs, table), ring_route(2));
        CHECK(ring.bytes.size() == 2);
        for (const auto& [link, bytes] : ring.bytes) CHECK(bytes == chunk);
        CHECK(ring.hop_bytes == 2 * chunk);
        CHECK(ring.bytes == link_traffic(table, whole_items(p, needs, table), line_route()).bytes);
    }
}

TEST_CASE("queries that travel put (k+1)Cq on link k, direct results (k+1)(n-1-k)Co: up to floor(n^2/4)Co") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t cq = 12 * query_bytes(p), co = 12 * state_bytes(p);
        const RankGrid grid = line_of_ranks(n);
        const Route route = mesh_route(grid);
        const Schedule table = kernels::pass_q(needs, grid);
        const LinkTraffic queries = traffic_of(Item::Kind::queries, p, needs, table, route);
        const LinkTraffic results = traffic_of(Item::Kind::state, p, needs, table, route);
        CHECK(traffic_of(Item::Kind::chunk, p, needs, table, route).hop_bytes == 0);
        for (int k = 0; k + 1 < n; ++k) {
            CHECK(carried(queries, link_out(grid, 0, k, 0)) == number(k + 1) * cq);
            CHECK(carried(queries, link_out(grid, 0, k + 1, 1)) == number(n - 1 - k) * cq);
            CHECK(carried(results, link_out(grid, 0, k, 0)) == number((k + 1) * (n - 1 - k)) * co);
            CHECK(carried(results, link_out(grid, 0, k + 1, 1)) == number((k + 1) * (n - 1 - k)) * co);
        }
        CHECK(results.busiest() == number(n * n / 4) * co);
        CHECK(queries.hop_bytes == number(n * (n - 1)) * cq);
    }
}

TEST_CASE("results merged on the way back cross each link once per owner: (n-1)Co + Cq, hop-bytes n(n-1)(Cq+Co)") {
    for (const int n : rank_counts)
        for (const std::int64_t tokens : {12 * n, 12 * n + n / 2 + 1}) {
            CAPTURE(n, tokens);
            const Problem p = self_attention(tokens);
            const NeedSets needs(p, n);
            const RankGrid grid = line_of_ranks(n);
            const Schedule table = kernels::pass_q_merging(needs, grid);
            const LinkTraffic traffic = link_traffic(table, whole_items(p, needs, table), mesh_route(grid));
            for (int k = 0; k + 1 < n; ++k) {
                const std::uint64_t here = tokens_before(tokens, n, k + 1), beyond = number(tokens) - here;
                CHECK(carried(traffic, link_out(grid, 0, k, 0)) == here * query_bytes(p) + beyond * state_bytes(p));
                CHECK(carried(traffic, link_out(grid, 0, k + 1, 1)) ==
                      beyond * query_bytes(p) + here * state_bytes(p));
            }
            CHECK(traffic.hop_bytes == number(n - 1) * number(tokens) * (query_bytes(p) + state_bytes(p)));
            if (tokens == 12 * n && n > 1)
                CHECK(traffic.busiest() == number(n - 1) * 12 * state_bytes(p) + 12 * query_bytes(p));
        }
}

TEST_CASE("gathering all keys first has the wave's bytes and takes (n-1)t_c + n tau: nothing overlaps") {
    for (const int n : rank_counts)
        for (const double tau : {0.2, 1.0, 3.0}) {
            CAPTURE(n, tau);
            const Problem p = self_attention(12 * n);
            const NeedSets needs(p, n);
            const Schedule table = in_a_row(kernels::all_gather_kv, needs);
            const Schedule wave = in_a_row(kernels::mesh_kv, needs);
            CHECK(link_traffic(table, whole_items(p, needs, table), line_route()).bytes ==
                  link_traffic(wave, whole_items(p, needs, wave), line_route()).bytes);
            const double t_c = 1.5;
            const Durations durations{.attend = [&](int, const Action&) { return tau; },
                                      .transfer =
                                          [&](int, int, const Action&) {
                                              return TransferTime{t_c, 0};
                                          }};
            // the rank at the end of the line waits longest
            const auto timeline = predict(table, durations);
            CHECK(makespan(timeline) == Approx((n - 1) * t_c + n * tau).epsilon(1e-12));
            for (int rank = 0; rank < n; ++rank)
                for (const TimedAction& timed : timeline[static_cast<std::size_t>(rank)])
                    if (timed.action->kind == Action::Kind::attend)
                        CHECK(timed.start >= std::max(rank, n - 1 - rank) * t_c - 1e-9);
        }
}
