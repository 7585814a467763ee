// SPDX-License-Identifier: Apache-2.0
// Where do the named placements put ranks: the geometry of units, the curves through it, and what each placement is
// there for, counted on the links.
#include "sim/noc/topology.h"
#include "sim/workloads/attention/grid_curves.h"
#include "sim/workloads/attention/unit_grid.h"
#include "tests/command/example_panel.h"

#include <algorithm>
#include <numeric>
#include <set>

using namespace tilemesh;
using workloads::AttentionPanel;
using workloads::Cell;
using workloads::RankUnit;
using workloads::UnitGrid;

namespace {

using Units = std::vector<std::int64_t>;

/// The example on a machine with other grids; count null: as many ranks as units.
AttentionPanel panel_on(const std::string& cube, const std::string& cubes, const std::string& unit, const Json& count,
                        const std::string& placement) {
    Json json = example_panel();
    json["machine"] = TILEMESH_CONFIGS "/machines/cubes_4x4.json";
    return attention_of(read_example(json, {"machine.cube=" + cube, "machine.cubes=" + cubes, "ranks.unit=" + unit,
                                            "ranks.count=" + count.dump(), "ranks.placement=" + placement}));
}

std::string grid_text(const std::string& topology, int rows, int cols) {
    return Json{{"topology", topology}, {"rows", rows}, {"cols", cols}}.dump();
}

UnitGrid grid_of(const AttentionPanel& panel) { return {panel.machine.network, panel.ranks.unit}; }

/// Hops between two units of a grid without wrap links.
int distance(const UnitGrid& grid, std::int64_t a, std::int64_t b) {
    const Cell from = grid.cell_of(a), to = grid.cell_of(b);
    return std::abs(from.row - to.row) + std::abs(from.col - to.col);
}

Units placed(const AttentionPanel& panel) {
    return workloads::units_of_ranks(panel, panel.ranks, grid_of(panel).units());
}

Units placed_on_line(int n, const std::string& placement) {
    return placed(panel_on(grid_text("line", 1, n), "null", "pe", nullptr, placement));
}

/// The most half-chunks that any directed link of an open line carries in a causal wave over zigzag shards, when rank
/// r stands at positions[r]: half-chunk t is token t of 2 n, and travels as far as somebody later needs it.
std::int64_t busiest_link(const Units& positions) {
    const auto n = static_cast<int>(positions.size());
    std::vector<std::int64_t> east(positions.size()), west(positions.size());  // link p joins positions p and p + 1
    for (int owner = 0; owner < n; ++owner) {
        for (const auto& run : attention::tokens_of(attention::Sharding::zigzag, 2 * n, n, owner)) {
            const std::int64_t home = positions[static_cast<std::size_t>(owner)];
            std::int64_t first = home, last = home;
            for (int reader = 0; reader < n; ++reader) {
                const auto queries = attention::tokens_of(attention::Sharding::zigzag, 2 * n, n, reader);
                if (queries.back().at(0) < run.at(0)) continue;  // its last query is too early to see the token
                first = std::min(first, positions[static_cast<std::size_t>(reader)]);
                last = std::max(last, positions[static_cast<std::size_t>(reader)]);
            }
            for (std::int64_t p = home; p < last; ++p) ++east[static_cast<std::size_t>(p)];
            for (std::int64_t p = first; p < home; ++p) ++west[static_cast<std::size_t>(p)];
        }
    }
    return std::max(*std::max_element(east.begin(), east.end()), *std::max_element(west.begin(), west.end()));
}

const char* const placements[] = {"identity", "reversed", "folded", "snake", "heavy_middle", "hilbert"};

}  // namespace

TEST_CASE("neighbours in the grid of units have a link, and rows and columns wrap where a link closes them") {
    struct Machine {
        std::string cube, cubes;
    };
    const Machine machines[] = {
        {grid_text("line", 1, 7), "null"},
        {grid_text("ring", 1, 7), "null"},
        {grid_text("ring", 1, 2), "null"},
        {grid_text("mesh", 3, 5), "null"},
        {grid_text("torus", 3, 5), "null"},
        {grid_text("torus", 2, 5), "null"},
        {grid_text("all_to_all", 2, 3), "null"},
        {grid_text("mesh", 2, 3), grid_text("mesh", 3, 4)},
        {grid_text("mesh", 2, 3), grid_text("torus", 3, 4)},
        {grid_text("mesh", 2, 3), grid_text("torus", 2, 2)},
        {grid_text("all_to_all", 2, 4), grid_text("torus", 3, 3)},
        {grid_text("mesh", 3, 4), grid_text("torus", 3, 1)},
        {grid_text("line", 1, 5), grid_text("ring", 1, 3)},
    };
    for (const Machine& machine : machines) {
        CAPTURE(machine.cube, machine.cubes);
        const AttentionPanel panel = panel_on(machine.cube, machine.cubes, "pe", nullptr, "identity");
        const UnitGrid grid = grid_of(panel);
        const noc::Topology topology(panel.machine.network);
        REQUIRE(grid.units() == topology.pes());
        const auto linked = [&](Cell a, Cell b) {
            return topology.route(static_cast<int>(grid.unit_at(a)), static_cast<int>(grid.unit_at(b))).size() == 1;
        };
        int unlinked = 0, row_ends = 0, column_ends = 0;
        for (int row = 0; row < grid.rows(); ++row) {
            for (int col = 0; col < grid.cols(); ++col) {
                if (col + 1 < grid.cols()) unlinked += linked({row, col}, {row, col + 1}) ? 0 : 1;
                if (row + 1 < grid.rows()) unlinked += linked({row, col}, {row + 1, col}) ? 0 : 1;
            }
            row_ends += linked({row, grid.cols() - 1}, {row, 0}) ? 1 : 0;
        }
        for (int col = 0; col < grid.cols(); ++col) column_ends += linked({grid.rows() - 1, col}, {0, col}) ? 1 : 0;
        CHECK(unlinked == 0);
        if (!grid.all_to_all()) {
            CHECK(grid.row_wraps() == (grid.cols() > 2 && row_ends == grid.rows()));
            CHECK(grid.column_wraps() == (grid.rows() > 2 && column_ends == grid.cols()));
        }
        bool all_linked = grid.units() > 2;
        for (int a = 0; a < grid.units(); ++a) {
            CHECK(grid.unit_at(grid.cell_of(a)) == a);
            for (int b = 0; b < a; ++b) all_linked = all_linked && topology.route(a, b).size() == 1;
        }
        CHECK(grid.all_to_all() == all_linked);
    }
}

TEST_CASE("cubes as units form the grid of cubes, whatever is inside them") {
    for (const char* unit : {"cube", "cube_pe0"}) {
        const UnitGrid grid =
            grid_of(panel_on(grid_text("all_to_all", 3, 5), grid_text("torus", 2, 4), unit, nullptr, "identity"));
        CHECK(grid.rows() == 2);
        CHECK(grid.cols() == 4);
        CHECK(grid.row_wraps());
        CHECK_FALSE(grid.column_wraps());  // two cubes have one connection
        CHECK_FALSE(grid.all_to_all());
        CHECK(grid.unit_at({1, 2}) == 6);
        CHECK(grid.cell_of(6) == Cell{1, 2});
        CHECK_THROWS_AS(grid.unit_at({2, 0}), InternalError);
        CHECK_THROWS_AS(grid.cell_of(8), InternalError);
    }
}

TEST_CASE("the PEs of several cubes form one grid, cube beside cube") {
    // Cubes of 2 x 3 PEs, 2 x 2 of them: PE 1 of row 1 in cube 2 is unit 2 * 6 + 4, and stands in row 3, column 1.
    const UnitGrid grid = grid_of(panel_on(grid_text("mesh", 2, 3), grid_text("mesh", 2, 2), "pe", nullptr, "snake"));
    CHECK(grid.cell_of(16) == Cell{3, 1});
    CHECK(grid.unit_at({3, 1}) == 16);
    CHECK(grid.cell_of(6) == Cell{0, 3});
}

TEST_CASE("every curve visits every cell once, from neighbour to neighbour") {
    int wrong = 0;
    for (int rows = 1; rows <= 24; ++rows) {
        for (int cols = 1; cols <= 24; ++cols) {
            for (const auto& curve : {workloads::snake_curve(rows, cols), workloads::hilbert_curve(rows, cols)}) {
                std::set<std::pair<int, int>> visited;
                for (const Cell& cell : curve) {
                    wrong += cell.row < 0 || cell.row >= rows || cell.col < 0 || cell.col >= cols;
                    visited.emplace(cell.row, cell.col);
                }
                wrong += visited.size() != curve.size() || static_cast<int>(visited.size()) != rows * cols;
                for (std::size_t i = 1; i < curve.size(); ++i) {
                    wrong +=
                        std::abs(curve[i].row - curve[i - 1].row) + std::abs(curve[i].col - curve[i - 1].col) != 1;
                }
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("on a square of a power of two the curve is Hilbert's: every quarter is filled before the next begins") {
    int wrong = 0;
    for (int size = 2; size <= 32; size *= 2) {
        const std::vector<Cell> curve = workloads::hilbert_curve(size, size);
        for (int block = 2; block <= size; block *= 2) {
            for (std::size_t i = 0; i < curve.size(); ++i) {
                const std::size_t first =
                    i / static_cast<std::size_t>(block * block) * static_cast<std::size_t>(block * block);
                wrong += curve[i].row / block != curve[first].row / block ||
                         curve[i].col / block != curve[first].col / block;
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("every named placement puts each rank on a unit of its own, the first of the curve when ranks are fewer") {
    for (const char* unit : {"pe", "cube"}) {
        for (const char* placement : placements) {
            CAPTURE(unit, placement);
            const auto units = [&](const Json& count) {
                return placed(panel_on(grid_text("mesh", 2, 3), grid_text("mesh", 3, 4), unit, count, placement));
            };
            const Units all = units(nullptr);
            CHECK(std::set<std::int64_t>(all.begin(), all.end()).size() == (unit == std::string("pe") ? 72 : 12));
            for (int count = 1; count <= 12; ++count) {
                Units used = units(count);
                REQUIRE(static_cast<int>(used.size()) == count);
                // With one rank more the same units are used, and one more.
                Units more = units(count == 12 ? Json(nullptr) : Json(count + 1));
                std::sort(used.begin(), used.end());
                std::sort(more.begin(), more.end());
                CHECK(std::adjacent_find(used.begin(), used.end()) == used.end());
                CHECK(std::includes(more.begin(), more.end(), used.begin(), used.end()));
            }
        }
    }
}

TEST_CASE(
    "along a snake or a Hilbert curve consecutive ranks are one hop apart, folded ring neighbours at most two") {
    for (const auto& [rows, cols] : {std::pair{1, 9}, {2, 4}, {3, 5}, {4, 4}, {5, 1}}) {
        for (const Json& count : {Json(nullptr), Json(4)}) {
            CAPTURE(rows, cols, count.dump());
            const auto greatest_hop = [&, rows = rows, cols = cols](const char* placement, bool closed) {
                const AttentionPanel panel = panel_on(grid_text("mesh", rows, cols), "null", "pe", count, placement);
                const UnitGrid grid = grid_of(panel);
                const Units units = placed(panel);
                int most = closed ? distance(grid, units.back(), units.front()) : 0;
                for (std::size_t i = 1; i < units.size(); ++i) {
                    most = std::max(most, distance(grid, units[i - 1], units[i]));
                }
                return most;
            };
            CHECK(greatest_hop("snake", false) == 1);
            CHECK(greatest_hop("hilbert", false) == 1);
            CHECK(greatest_hop("folded", true) == 2);
        }
    }
    CHECK(placed_on_line(7, "folded") == Units{0, 2, 4, 6, 5, 3, 1});
}

TEST_CASE("with the heavy pair in the middle no link of a causal zigzag wave carries more than n/2 chunks") {
    for (int n = 2; n <= 16; ++n) {
        CAPTURE(n);
        CHECK(busiest_link(placed_on_line(n, "heavy_middle")) == n);  // half-chunks
        CHECK(busiest_link(placed_on_line(n, "identity")) == 2 * (n - 1));
    }
    CHECK(placed_on_line(6, "heavy_middle") == Units{2, 3, 1, 4, 0, 5});
}

TEST_CASE("no order of the ranks does better than the heavy pair in the middle") {
    for (int n = 2; n <= 7; ++n) {
        CAPTURE(n);
        Units positions(static_cast<std::size_t>(n));
        std::iota(positions.begin(), positions.end(), 0);
        std::int64_t least = 2 * n;
        do {
            least = std::min(least, busiest_link(positions));
        } while (std::next_permutation(positions.begin(), positions.end()));
        CHECK(least == busiest_link(placed_on_line(n, "heavy_middle")));
    }
}

TEST_CASE("the sharding is the one that the panel names") {
    for (const auto sharding :
         {attention::Sharding::contiguous, attention::Sharding::zigzag, attention::Sharding::striped}) {
        const run::Panel panel = read_example(example_panel(), {"ranks.sharding=" + workloads::name_of(sharding)});
        CHECK(attention_of(panel).ranks.sharding == sharding);
    }
    Json json = example_panel();
    json["ranks"].erase("sharding");
    CHECK(attention_of(read_example(json)).ranks.sharding == attention::Sharding::contiguous);
}
