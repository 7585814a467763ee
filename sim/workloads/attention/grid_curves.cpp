// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/grid_curves.h"

#include <algorithm>
#include <cstdlib>

namespace tilemesh::workloads {
namespace {

Cell operator+(Cell a, Cell b) { return {a.row + b.row, a.col + b.col}; }
Cell operator-(Cell a, Cell b) { return {a.row - b.row, a.col - b.col}; }
Cell operator-(Cell a) { return {-a.row, -a.col}; }
/// Of vectors along one axis.
int length(Cell a) { return std::abs(a.row + a.col); }
Cell direction(Cell a) { return {std::clamp(a.row, -1, 1), std::clamp(a.col, -1, 1)}; }

/// Half of a vector, made longer by one when that makes its length even: pieces of even length are those through
/// which the curve can go and come out on the side it needs.
Cell half(Cell a) {
    const Cell halved{a.row / 2, a.col / 2};
    return length(halved) % 2 == 1 && length(a) > 2 ? halved + direction(a) : halved;
}

/// Fills the rectangle spanned by the vectors `along` and `across` at cell `at`, ending at the far end of `along`.
void fill(Cell at, Cell along, Cell across, std::vector<Cell>& out) {
    if (length(across) == 1 || length(along) == 1) {
        const Cell line = length(across) == 1 ? along : across;
        for (int i = 0; i < length(line); ++i, at = at + direction(line)) out.push_back(at);
        return;
    }
    const Cell half_along = half(along), half_across = half(across);
    if (2 * length(along) > 3 * length(across)) {  // too long for a Hilbert step: two parts, one after the other
        fill(at, half_along, across, out);
        fill(at + half_along, along - half_along, across, out);
        return;
    }
    // Half of it up at the near end, the other half along, and down again at the far end.
    const Cell halved{along.row / 2, along.col / 2};
    fill(at, half_across, halved, out);
    fill(at + half_across, along, across - half_across, out);
    fill(at + along - direction(along) + half_across - direction(across), -half_across, -(along - halved), out);
}

}  // namespace

std::vector<Cell> snake_curve(int rows, int cols) {
    std::vector<Cell> cells;
    for (int row = 0; row < rows; ++row) {
        for (int i = 0; i < cols; ++i) cells.push_back({row, row % 2 == 0 ? i : cols - 1 - i});
    }
    return cells;
}

std::vector<Cell> hilbert_curve(int rows, int cols) {
    // From corner to corner along a side: on a grid coloured like a chess board, a way through an even number of
    // cells ends on the other colour, so the side has an even length. Of two that do, the longer one.
    bool along_columns = rows > cols;
    const int longer = std::max(rows, cols), shorter = std::min(rows, cols);
    if (longer % 2 == 1 && shorter % 2 == 0) along_columns = !along_columns;
    std::vector<Cell> cells;
    const Cell row_vector{0, cols}, column_vector{rows, 0};
    fill({0, 0}, along_columns ? column_vector : row_vector, along_columns ? row_vector : column_vector, cells);
    return cells;
}

}  // namespace tilemesh::workloads
