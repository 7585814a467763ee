// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/unit_grid.h"

#include "sim/base/error.h"

namespace tilemesh::workloads {
namespace {

bool wraps(const noc::GridConfig& grid) {
    return grid.kind == noc::TopologyKind::ring || grid.kind == noc::TopologyKind::torus;
}

}  // namespace

UnitGrid::UnitGrid(const noc::NetworkConfig& network, RankUnit unit)
    : outer_rows_(network.cubes.rows), outer_cols_(network.cubes.cols) {
    const noc::GridConfig single;
    const noc::GridConfig& inner = unit == RankUnit::pe ? network.pes_in_cube : single;
    inner_rows_ = inner.rows;
    inner_cols_ = inner.cols;
    // Of several cubes only the cubes are joined around: a machine has no wrap-around links inside them then.
    const noc::GridConfig& whole = network.cubes.nodes() > 1 ? network.cubes : inner;
    row_wraps_ = wraps(whole) && whole.cols > 2;
    column_wraps_ = wraps(whole) && whole.rows > 2;
    all_to_all_ = whole.kind == noc::TopologyKind::all_to_all && whole.nodes() == units();
}

std::int64_t UnitGrid::unit_at(Cell cell) const {
    if (cell.row < 0 || cell.row >= rows() || cell.col < 0 || cell.col >= cols()) {
        fail<InternalError>("row {}, column {} of a grid of {} x {} units", cell.row, cell.col, rows(), cols());
    }
    const std::int64_t cube = cell.row / inner_rows_ * outer_cols_ + cell.col / inner_cols_;
    return (cube * inner_rows_ + cell.row % inner_rows_) * inner_cols_ + cell.col % inner_cols_;
}

Cell UnitGrid::cell_of(std::int64_t unit) const {
    if (unit < 0 || unit >= units()) fail<InternalError>("unit {} of {}", unit, units());
    const int per_cube = inner_rows_ * inner_cols_;
    const int cube = static_cast<int>(unit) / per_cube, local = static_cast<int>(unit) % per_cube;
    return {cube / outer_cols_ * inner_rows_ + local / inner_cols_,
            cube % outer_cols_ * inner_cols_ + local % inner_cols_};
}

}  // namespace tilemesh::workloads
