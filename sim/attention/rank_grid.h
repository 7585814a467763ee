// SPDX-License-Identifier: Apache-2.0
// Where ranks stand, for schedules that follow the machine's shape: a grid of units (PEs or cubes) with a rank on
// some of them. Routes and rates are not here, a schedule only needs to know who is beside whom.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tilemesh::attention {

struct RankGrid {
    int rows = 1;
    int cols = 1;
    bool rows_wrap = false;  // a link joins the ends of every row
    bool cols_wrap = false;
    bool copies = false;     // routers can copy a message to several ranks on its way
    std::vector<int> cells;  // by rank: row * cols + column

    int ranks() const { return static_cast<int>(cells.size()); }
    int row_of(int rank) const { return cells[static_cast<std::size_t>(rank)] / cols; }
    int col_of(int rank) const { return cells[static_cast<std::size_t>(rank)] % cols; }
    /// The rank at (row, col); -1: none.
    int rank_at(int row, int col) const;
    /// Ranks along the grid's line: row by row, every other row backwards, so that neighbours are one hop apart.
    std::vector<int> line() const;
    std::vector<int> ranks_of_row(int row) const;
    std::vector<int> ranks_of_col(int col) const;
    /// Why ranks do not fill a whole rectangle of the grid; nothing when they do.
    std::optional<std::string> not_full() const;
};

/// Ranks 0, 1, ... in a row.
RankGrid line_of_ranks(int ranks);

}  // namespace tilemesh::attention
