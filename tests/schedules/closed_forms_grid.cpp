// SPDX-License-Identifier: Apache-2.0
// The closed forms on two-dimensional meshes: what reaches the least busiest link (n-1)C/2 that a corner with two
// in-links allows, and what does not; all-to-all on heads.
#include "tests/schedules/grids.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace example;

namespace {

const std::vector<std::pair<int, int>> grids{{1, 1}, {1, 5}, {4, 1}, {2, 2}, {2, 3}, {3, 2}, {2, 4},
                                             {3, 3}, {3, 5}, {4, 4}, {5, 4}, {6, 6}, {8, 8}};

struct Case {
    RankGrid grid;
    Problem problem;
    NeedSets needs;
    std::uint64_t half;  // C / 2
    Case(int rows, int cols)
        : grid(full_grid(rows, cols)),
          problem(self_attention(12 * rows * cols)),
          needs(problem, rows * cols),
          half(6 * token_bytes(problem)) {}
    LinkTraffic traffic(const Schedule& table) const {
        return link_traffic(table, whole_items(problem, needs, table), mesh_route(grid));
    }
};

int most_hops(const Case& c, const Schedule& table) {
    int most = 0;
    for (const auto& [edge, bytes] : edge_bytes(table, whole_items(c.problem, c.needs, table)))
        most = std::max(most, static_cast<int>(mesh_route(c.grid)(edge.first, edge.second).size()));
    return most;
}
int last_step(const Schedule& table) {
    int last = 0;
    for (const auto& program : table.programs())
        for (const Action& action : program) last = std::max(last, action.step);
    return last;
}

}  // namespace

TEST_CASE("two orientations: (b-1)(a+1)C/2 on row links, (a-1)(b+1)C/2 on column links, a+b-2 hops of one link") {
    for (const auto& [a, b] : grids) {
        CAPTURE(a, b);
        const Case c(a, b);
        const Schedule table = kernels::two_orientation(c.needs, c.grid);
        const LinkTraffic traffic = c.traffic(table);
        CHECK(traffic.busiest() == number(std::max((b - 1) * (a + 1), (a - 1) * (b + 1))) * c.half);
        if (a == b) CHECK(traffic.busiest() == number(a * b - 1) * c.half);  // the least possible
        CHECK(traffic.hop_bytes == 2 * number(a * b * (a * b - 1)) * c.half);
        CHECK(last_step(table) == a + b - 2);
        CHECK(most_hops(c, table) == (a * b > 1 ? 1 : 0));
    }
}

TEST_CASE("the closed ring along a cycle of the grid: (n-1)C/2 on its every link, n/2 hops of one link") {
    for (const auto& [a, b] : grids) {
        if (a < 2 || b < 2 || a * b % 2 == 1) continue;
        CAPTURE(a, b);
        const Case c(a, b);
        const int n = a * b;
        const Schedule table = kernels::hamiltonian_ring(c.needs, c.grid);
        const LinkTraffic traffic = c.traffic(table);
        CHECK(traffic.bytes.size() == 2 * static_cast<std::size_t>(n));
        for (const auto& [link, bytes] : traffic.bytes) CHECK(bytes == number(n - 1) * c.half);
        CHECK(traffic.hop_bytes == 2 * number(n * (n - 1)) * c.half);
        CHECK(last_step(table) == n / 2);
        CHECK(most_hops(c, table) == 1);
    }
}

TEST_CASE("the wave goes along a grid's snake: (n-1)C, twice the least possible, all hops of one link") {
    for (const auto& [a, b] : grids) {
        CAPTURE(a, b);
        const Case c(a, b);
        const int n = a * b;
        const Schedule table = kernels::mesh_kv(c.needs, c.grid);
        CHECK(c.traffic(table).busiest() == 2 * number(n - 1) * c.half);
        CHECK(c.traffic(table).hop_bytes == 2 * number(n * (n - 1)) * c.half);
        CHECK(most_hops(c, table) == (n > 1 ? 1 : 0));
    }
}

TEST_CASE("two-dimensional tiles: (a-1)C on column links, queries one way and results the other on row links") {
    for (const auto& [a, b] : grids) {
        CAPTURE(a, b);
        const Case c(a, b);
        const Schedule table = kernels::tiles_2d(c.needs, c.grid);
        const LinkTraffic traffic = c.traffic(table);
        const std::uint64_t cq = 12 * query_bytes(c.problem), co = 12 * state_bytes(c.problem);
        for (int row = 0; row < a; ++row)
            for (int col = 0; col < b; ++col) {
                if (row + 1 < a) {
                    CHECK(carried(traffic, link_out(c.grid, row, col, 2)) == 2 * number(row + 1) * c.half);
                    CHECK(carried(traffic, link_out(c.grid, row + 1, col, 3)) == 2 * number(a - 1 - row) * c.half);
                }
                if (col + 1 < b) {
                    CHECK(carried(traffic, link_out(c.grid, row, col, 0)) ==
                          number(col + 1) * cq + number(b - 1 - col) * co);
                    CHECK(carried(traffic, link_out(c.grid, row, col + 1, 1)) ==
                          number(b - 1 - col) * cq + number(col + 1) * co);
                }
            }
    }
}

TEST_CASE("all-to-all on heads moves (C + Cq + Co)/n between any two ranks") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        Problem p = self_attention(12 * n);
        p.heads_kv = n;
        p.heads_q = 3 * n;
        const NeedSets needs(p, n);
        const Schedule table = in_a_row(kernels::ulysses, needs);
        const auto edges = edge_bytes(table, whole_items(p, needs, table));
        CHECK(edges.size() == static_cast<std::size_t>(n * (n - 1)));
        const std::uint64_t all = 12 * (token_bytes(p) + query_bytes(p) + state_bytes(p));
        for (const auto& [edge, bytes] : edges) CHECK(bytes == all / number(n));
    }
}
