// SPDX-License-Identifier: Apache-2.0
// Two orientations on a grid: half of every chunk goes along its row first and from every place of the row along the
// columns, the other half along its column first; the two halves load rows and columns alike. Source: dimension-split
// collectives on meshes (Chan, Heimlich, Purkayastha, van de Geijn 2007), as an overlapped K/V broadcast.
// Cost on an a x b mesh: busiest directed link (n-1+|a-b|)C/2, on a square one (n-1)C/2, which is the least possible
// there (a corner has two in-links); only a+b-2 hops. Plain dimension order costs (n-1)C. Wins on square meshes where
// links bind: half the wave's time and short latency. Halves of short chunks fill the matrix array badly.
#include "kernels/schedules.h"

namespace tilemesh::kernels {
namespace {

using attention::Tree;

/// From `origin` along its row and from every rank there along its column; or the other way about.
Tree cross(const RankGrid& grid, int origin, bool row_first) {
    const int row = grid.row_of(origin), col = grid.col_of(origin);
    Tree tree = row_first ? attention::arms(grid.ranks_of_row(row), col, grid.rows_wrap)
                          : attention::arms(grid.ranks_of_col(col), row, grid.cols_wrap);
    const std::size_t trunk = tree.ranks.size();
    for (std::size_t node = 0; node < trunk; ++node) {
        const int at = tree.ranks[node];
        const Tree branch = row_first ? attention::arms(grid.ranks_of_col(grid.col_of(at)), row, grid.cols_wrap)
                                      : attention::arms(grid.ranks_of_row(grid.row_of(at)), col, grid.rows_wrap);
        const int offset = static_cast<int>(tree.ranks.size()) - 1;  // node i of the branch becomes offset + i
        for (std::size_t i = 1; i < branch.ranks.size(); ++i) {
            tree.ranks.push_back(branch.ranks[i]);
            tree.parents.push_back(branch.parents[i] == 0 ? static_cast<int>(node) : offset + branch.parents[i]);
        }
    }
    return tree;
}

}  // namespace

Schedule two_orientation(const NeedSets& needs, const RankGrid& grid) {
    Schedule schedule(needs.ranks(), needs.users());
    for (int user = 0; user < needs.users(); ++user) {
        schedule.attend_own(needs, user);
        for (int origin = 0; origin < needs.ranks(); ++origin) {
            schedule.propagate(needs, user, cross(grid, origin, true), {0, 2});
            schedule.propagate(needs, user, cross(grid, origin, false), {1, 2});
        }
    }
    return schedule;
}

}  // namespace tilemesh::kernels
