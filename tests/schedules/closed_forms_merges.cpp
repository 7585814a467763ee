// SPDX-License-Identifier: Apache-2.0
// The closed forms of merging partial results (m, l, o) when every rank has all queries: bytes M of one state on the
// links of a line, and the time of the merge after the local pass.
#include "sim/attention/timeline.h"
#include "tests/schedules/grids.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace example;

namespace {

struct Decode {
    Problem problem;
    NeedSets needs;
    std::uint64_t state = 0;  // M
    Decode(int n, std::int64_t queries)
        : problem(example::problem({{50 * n + 1, queries, 50 * n + 1 - queries}}, causal_mask())),
          needs(NeedSets::replicated_queries(problem, n)),
          state(number(queries) * state_bytes(problem)) {}
    LinkTraffic on_line(const Schedule& table) const {
        return link_traffic(table, whole_items(problem, needs, table), line_route());
    }
};

}  // namespace

TEST_CASE("prefix and suffix, centre, and chain put M on each link each way, 2(n-1)M in all") {
    for (const int n : rank_counts)
        for (const std::int64_t queries : {1, 3})
            for (const auto schedule : {kernels::mesh_mlo, kernels::mlo_centre, kernels::mlo_chain}) {
                CAPTURE(n, queries);
                const Decode d(n, queries);
                const LinkTraffic traffic = d.on_line(in_a_row(schedule, d.needs));
                CHECK(traffic.bytes.size() == 2 * static_cast<std::size_t>(n - 1));
                for (const auto& [link, bytes] : traffic.bytes) CHECK(bytes == d.state);
                CHECK(traffic.hop_bytes == 2 * number(n - 1) * d.state);
            }
}

TEST_CASE("centre takes 2 floor(n/2) hops and floor(n/2) merges, one more where both sides arrive at once") {
    for (const int n : rank_counts)
        for (const double merge : {0.0, 0.1, 0.5, 1.0}) {
            CAPTURE(n, merge);
            const Decode d(n, 1);
            const double pass = 10.0, hop = 1.0;
            const Durations durations{.attend = [&](int, const Action&) { return pass; },
                                      .transfer =
                                          [&](int, int, const Action&) {
                                              return TransferTime{hop, 0};
                                          },
                                      .merge = [&](int, const Action&) { return merge; }};
            const int half = n / 2;
            const double at_once = n > 1 && n % 2 == 1 ? merge : 0.0;
            CHECK(makespan(predict(in_a_row(kernels::mlo_centre, d.needs), durations)) ==
                  Approx(pass + 2 * half * hop + half * merge + at_once).epsilon(1e-12));
            CHECK(makespan(predict(in_a_row(kernels::mlo_chain, d.needs), durations)) ==
                  Approx(pass + 2 * (n - 1) * hop + (n - 1) * merge).epsilon(1e-12));
        }
}

TEST_CASE("the chain merges in rank order: rank r is the r-th to be merged, whatever the line") {
    for (const int n : rank_counts) {
        const Decode d(n, 1);
        const Schedule table = in_a_row(kernels::mlo_chain, d.needs);
        for (int rank = 0; rank < n; ++rank) {
            CAPTURE(n, rank);
            std::vector<int> senders;  // of states, before the result comes back
            for (const Action& action : table.program(rank))
                if (action.kind == Action::Kind::receive && action.item.copy > 0) senders.push_back(action.peer);
            CHECK(senders == (rank > 0 ? std::vector<int>{rank - 1} : std::vector<int>{}));
        }
    }
}

TEST_CASE("recursive doubling: log2 n exchanges, n/2 M on the middle link, floor(2n/3) M on the busiest") {
    for (const int n : {2, 4, 8, 16}) {
        CAPTURE(n);
        const Decode d(n, 2);
        const Schedule table = in_a_row(kernels::mlo_doubling, d.needs);
        const auto rounds = static_cast<std::uint64_t>(std::lround(std::log2(n)));
        CHECK(count(table).state_transfers == number(n) * rounds);
        CHECK(count(table).merges == number(n) * rounds);
        const LinkTraffic traffic = d.on_line(table);
        for (const int middle : {n - 2, n - 1})
            CHECK(carried(traffic, static_cast<LinkId>(middle)) == number(n / 2) * d.state);
        // beside it cross those of the longest exchange but one or two, and of every second shorter one: 1 + 4 + ...
        CHECK(traffic.busiest() == number(2 * n / 3) * d.state);
        // round k moves n states over 2^k links each
        CHECK(traffic.hop_bytes == number(n) * number(n - 1) * d.state);
    }
}

TEST_CASE("doubling over n ranks that are no power of two takes two transfers more for each beyond one") {
    for (const int n : {3, 5, 6, 7, 9}) {
        CAPTURE(n);
        const Decode d(n, 2);
        const Counts counts = count(in_a_row(kernels::mlo_doubling, d.needs));
        const int rounds = static_cast<int>(std::log2(n)), power = 1 << rounds;
        CHECK(counts.state_transfers == number(power * rounds + 2 * (n - power)));
    }
}

TEST_CASE("doubling over n ranks: those beyond a power of two p add to the busiest link, until it carries 4p/3 M") {
    for (int n = 2; n <= 16; ++n) {
        CAPTURE(n);
        const Decode d(n, 2);
        const int power = 1 << static_cast<int>(std::log2(n));
        const int busiest = std::min(2 * power / 3 + n - power, 4 * power / 3);
        CHECK(d.on_line(in_a_row(kernels::mlo_doubling, d.needs)).busiest() == number(busiest) * d.state);
    }
}

TEST_CASE("reduce-scatter by heads moves (n-1)M in all and (n-1)M/n at most on a link") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        Problem p = decode(50 * n + 1);
        p.heads_kv = n;
        p.heads_q = 3 * n;
        const NeedSets needs = NeedSets::replicated_queries(p, n);
        const Schedule table = in_a_row(kernels::mlo_reduce_scatter, needs);
        const LinkTraffic traffic = link_traffic(table, whole_items(p, needs, table), line_route());
        const std::uint64_t part = state_bytes(p) / number(n);
        CHECK(traffic.hop_bytes == number(n) * number(n - 1) * part);
        for (int k = 0; k + 1 < n; ++k) {
            CHECK(carried(traffic, static_cast<LinkId>(2 * k)) == number(n - 1 - k) * part);
            CHECK(carried(traffic, static_cast<LinkId>(2 * k + 1)) == number(k + 1) * part);
        }
        CHECK(traffic.busiest() == number(n - 1) * part);
    }
}
