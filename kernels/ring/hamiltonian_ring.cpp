// SPDX-License-Identifier: Apache-2.0
// A closed ring along a Hamiltonian cycle of the grid: every hop of the ring is one link, so the ring is native to
// the mesh. Chunks go both ways with the opposite one halved. Source: ring embeddings in meshes (Leighton 1992) under
// ring attention (Liu, Zaharia, Abbeel 2023). Cost: busiest directed link (n-1)C/2, the least possible on a mesh,
// hop-bytes n(n-1)C, n/2 hops. A cycle exists when the grid has an even number of places and at least two rows and
// columns. Wins where links bind on meshes that are not square, 2 x 4 above all; on square ones two_orientation has
// shorter paths. Halves of short chunks fill the matrix array badly.
#include "kernels/ring/hamiltonian_ring.h"

#include "kernels/ring/halved.h"
#include "kernels/schedules.h"

#include <fmt/core.h>

namespace tilemesh::kernels {
namespace {

/// The places of a cycle, when the number of rows is even: along row 0, then back and forth over columns 1.. of every
/// other row, and home through column 0.
std::vector<std::pair<int, int>> cycle(int rows, int cols) {
    std::vector<std::pair<int, int>> places;
    for (int row = 0; row < rows; ++row)
        for (int i = 1; i < cols; ++i) places.emplace_back(row, row % 2 == 0 ? i : cols - i);
    for (int row = rows; row-- > 0;) places.emplace_back(row, 0);
    return places;
}

}  // namespace

std::optional<std::string> hamiltonian_ring_refuses(const attention::Problem&, const RankGrid& grid, std::int64_t) {
    if (auto why = grid.not_full()) return why;
    if (grid.rows < 2 || grid.cols < 2) {
        return fmt::format("a cycle needs at least two rows and two columns, the grid is {} x {}", grid.rows,
                           grid.cols);
    }
    if (grid.rows * grid.cols % 2 != 0)
        return fmt::format("it needs an even number of PEs, {} x {} has {}", grid.rows, grid.cols,
                           grid.rows * grid.cols);
    return {};
}

Schedule hamiltonian_ring(const NeedSets& needs, const RankGrid& grid) {
    Schedule schedule(needs.ranks(), needs.users());
    std::vector<int> order;
    if (grid.rows % 2 == 0) {
        for (const auto& [row, col] : cycle(grid.rows, grid.cols)) order.push_back(grid.rank_at(row, col));
    } else {
        for (const auto& [col, row] : cycle(grid.cols, grid.rows)) order.push_back(grid.rank_at(row, col));
    }
    halved_ring(schedule, needs, order);
    return schedule;
}

}  // namespace tilemesh::kernels
