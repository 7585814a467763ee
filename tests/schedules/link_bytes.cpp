// SPDX-License-Identifier: Apache-2.0
// Which link carries how many bytes under each schedule, on an open line and with a real wrap link?
#include "tests/schedules/example.h"

#include <catch2/catch.hpp>

#include <cstddef>

using namespace example;

namespace {

constexpr LinkId east(int rank) { return static_cast<LinkId>(2 * rank); }      // rank -> rank + 1
constexpr LinkId west(int rank) { return static_cast<LinkId>(2 * rank + 1); }  // rank + 1 -> rank

LinkTraffic on_line(const Problem& p, const NeedSets& needs, const Schedule& schedule) {
    return link_traffic(schedule, whole_items(p, needs, schedule), line_route());
}
std::uint64_t carried(const LinkTraffic& traffic, LinkId link) {
    const auto found = traffic.bytes.find(link);
    return found == traffic.bytes.end() ? 0 : found->second;
}

}  // namespace

TEST_CASE("the wave loads link r->r+1 with (r+1)C and r+1->r with (n-1-r)C, hop-bytes n(n-1)C") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p);
        const LinkTraffic traffic = on_line(p, needs, in_a_row(kernels::mesh_kv, needs));
        for (int r = 0; r + 1 < n; ++r) {
            CHECK(carried(traffic, east(r)) == number(r + 1) * chunk);
            CHECK(carried(traffic, west(r)) == number(n - 1 - r) * chunk);
        }
        CHECK(traffic.busiest() == number(n - 1) * chunk);
        CHECK(traffic.hop_bytes == number(n * (n - 1)) * chunk);
    }
}

TEST_CASE("with ragged lengths each link of the wave carries exactly the tokens behind it") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const std::int64_t tokens = 12 * n + n / 2 + 1;
        const Problem p = self_attention(tokens);
        const NeedSets needs(p, n);
        const LinkTraffic traffic = on_line(p, needs, in_a_row(kernels::mesh_kv, needs));
        // the first tokens % n ranks hold one token more
        const auto tokens_before = [&](int rank) {
            return number(tokens / n) * number(rank) + std::min(number(rank), number(tokens % n));
        };
        for (int r = 0; r + 1 < n; ++r) {
            CHECK(carried(traffic, east(r)) == tokens_before(r + 1) * token_bytes(p));
            CHECK(carried(traffic, west(r)) == (number(tokens) - tokens_before(r + 1)) * token_bytes(p));
        }
        CHECK(traffic.hop_bytes == number(n - 1) * number(tokens) * token_bytes(p));
    }
}

TEST_CASE("a causal mask halves the wave's hop-bytes and empties the west links") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n, causal_mask());
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p);
        const LinkTraffic traffic = on_line(p, needs, in_a_row(kernels::mesh_kv, needs));
        for (int r = 0; r + 1 < n; ++r) CHECK(carried(traffic, west(r)) == 0);
        CHECK(traffic.busiest() == number(n - 1) * chunk);
        CHECK(2 * traffic.hop_bytes == number(n * (n - 1)) * chunk);
    }
}

TEST_CASE("a closed ring on an open line puts (n-1)C on every directed link, one way or both") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p);
        for (const auto schedule : {kernels::ring_kv, kernels::ring_kv_bidirectional}) {
            const LinkTraffic traffic = on_line(p, needs, in_a_row(schedule, needs));
            CHECK(traffic.bytes.size() == 2 * static_cast<std::size_t>(n - 1));
            for (const auto& [link, bytes] : traffic.bytes) CHECK(bytes == number(n - 1) * chunk);
            CHECK(traffic.hop_bytes == 2 * square(number(n - 1)) * chunk);
        }
    }
}

TEST_CASE("with a real wrap link one way carries (n-1)C, both ways ceil((n-1)/2)C, hop-bytes n(n-1)C") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const std::uint64_t chunk = 12 * token_bytes(p);
        const auto on_ring = [&](const Schedule& schedule) {
            return link_traffic(schedule, whole_items(p, needs, schedule), ring_route(n));
        };
        const LinkTraffic one_way = on_ring(in_a_row(kernels::ring_kv, needs));
        CHECK(one_way.busiest() == number(n - 1) * chunk);
        CHECK(one_way.hop_bytes == number(n * (n - 1)) * chunk);
        const LinkTraffic both_ways = on_ring(in_a_row(kernels::ring_kv_bidirectional, needs));
        CHECK(both_ways.busiest() == number(n - 1 - (n - 1) / 2) * chunk);
        CHECK(both_ways.hop_bytes == number(n * (n - 1)) * chunk);
    }
}

TEST_CASE("merging states puts M on each link each way and 2(n-1)M in all, whatever the context") {
    for (const int n : rank_counts)
        for (const std::int64_t queries : {1, 3}) {
            CAPTURE(n, queries);
            const std::int64_t keys = 50 * n + 1;
            const Problem p = problem({{keys, queries, keys - queries}}, causal_mask());
            const NeedSets needs = NeedSets::replicated_queries(p, n);
            const std::uint64_t state = number(queries) * state_bytes(p);
            const LinkTraffic traffic = on_line(p, needs, in_a_row(kernels::mesh_mlo, needs));
            CHECK(traffic.bytes.size() == 2 * static_cast<std::size_t>(n - 1));
            for (const auto& [link, bytes] : traffic.bytes) CHECK(bytes == state);
            CHECK(traffic.hop_bytes == 2 * number(n - 1) * state);
        }
}

TEST_CASE("Llama-3-70B: chunk sizes, busiest links and hop-bytes of wave and routed ring") {
    constexpr std::uint64_t MiB = 1 << 20;
    struct Row {
        int ranks;
        std::int64_t context;
        std::uint64_t chunk;  // MiB; the rest follows from it
    };
    Problem p;
    p.heads_q = 64;
    p.heads_kv = 8;
    p.head_dim = p.value_dim = 128;
    for (const Row& row : {Row{4, 8 << 10, 8}, Row{8, 8 << 10, 4}, Row{8, 32 << 10, 16}, Row{8, 128 << 10, 64},
                           Row{4, 128 << 10, 128}}) {
        CAPTURE(row.ranks, row.context);
        p.users = {{row.context, row.context, 0}};
        const NeedSets needs(p, row.ranks);
        const std::uint64_t n = number(row.ranks);
        const Schedule table = in_a_row(kernels::mesh_kv, needs);
        for (const Action& action : table.program(0))
            if (action.moves()) CHECK(whole_items(p, needs, table)(action) == row.chunk * MiB);
        const LinkTraffic wave = on_line(p, needs, table);
        CHECK(wave.busiest() == (n - 1) * row.chunk * MiB);
        CHECK(wave.hop_bytes == n * (n - 1) * row.chunk * MiB);
        const LinkTraffic ring = on_line(p, needs, in_a_row(kernels::ring_kv, needs));
        CHECK(ring.busiest() == (n - 1) * row.chunk * MiB);
        CHECK(ring.hop_bytes == 2 * square(n - 1) * row.chunk * MiB);
    }
}
