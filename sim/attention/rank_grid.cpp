// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/rank_grid.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace tilemesh::attention {

int RankGrid::rank_at(int row, int col) const {
    const auto found = std::find(cells.begin(), cells.end(), row * cols + col);
    return found == cells.end() ? -1 : static_cast<int>(found - cells.begin());
}

std::vector<int> RankGrid::line() const {
    std::vector<int> ranks(cells.size());
    std::iota(ranks.begin(), ranks.end(), 0);
    const auto place = [&](int rank) {
        const int row = row_of(rank), col = col_of(rank);
        return row * cols + (row % 2 == 0 ? col : cols - 1 - col);
    };
    std::sort(ranks.begin(), ranks.end(), [&](int a, int b) { return place(a) < place(b); });
    return ranks;
}

std::vector<int> RankGrid::ranks_of_row(int row) const {
    std::vector<int> ranks;
    for (int col = 0; col < cols; ++col) ranks.push_back(rank_at(row, col));
    return ranks;
}

std::vector<int> RankGrid::ranks_of_col(int col) const {
    std::vector<int> ranks;
    for (int row = 0; row < rows; ++row) ranks.push_back(rank_at(row, col));
    return ranks;
}

std::optional<std::string> RankGrid::not_full() const {
    if (ranks() == rows * cols) return {};
    return fmt::format("it needs a rank on every place of the {} x {} grid, there are {} ranks", rows, cols, ranks());
}

RankGrid line_of_ranks(int ranks) {
    RankGrid grid;
    grid.cols = ranks;
    grid.cells.resize(static_cast<std::size_t>(ranks));
    std::iota(grid.cells.begin(), grid.cells.end(), 0);
    return grid;
}

}  // namespace tilemesh::attention
