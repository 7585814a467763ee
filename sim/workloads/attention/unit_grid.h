// SPDX-License-Identifier: Apache-2.0
// Where the units that ranks stand on (PEs or cubes) are in the plane: the geometry that placements and schedules ask
// about. The PEs of several cubes form one grid, cube beside cube; which links there are in detail is the topology's
// matter (sim/noc/topology.h).
#pragma once

#include "sim/noc/config.h"
#include "sim/workloads/attention/panel.h"

#include <cstdint>

namespace tilemesh::workloads {

struct Cell {
    int row = 0;
    int col = 0;
    bool operator==(const Cell&) const = default;
};

class UnitGrid {
public:
    UnitGrid(const noc::NetworkConfig& network, RankUnit unit);

    int rows() const { return inner_rows_ * outer_rows_; }
    int cols() const { return inner_cols_ * outer_cols_; }
    int units() const { return rows() * cols(); }
    /// Units are numbered as in panels: PEs cube by cube, row by row within a cube; cubes row by row.
    std::int64_t unit_at(Cell cell) const;
    Cell cell_of(std::int64_t unit) const;
    /// A link joins the last unit of every row to the first, of every column likewise, besides the links between
    /// neighbours. False for two units, which have one link between them.
    bool row_wraps() const { return row_wraps_; }
    bool column_wraps() const { return column_wraps_; }
    /// Every unit has a link to every other.
    bool all_to_all() const { return all_to_all_; }

private:
    int inner_rows_ = 1, inner_cols_ = 1;  // PEs in a cube, or a single cube
    int outer_rows_ = 1, outer_cols_ = 1;  // cubes
    bool row_wraps_ = false, column_wraps_ = false, all_to_all_ = false;
};

}  // namespace tilemesh::workloads
