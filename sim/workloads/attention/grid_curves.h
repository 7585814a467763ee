// SPDX-License-Identifier: Apache-2.0
// Ways through all cells of a grid, each cell once, that placements lay ranks along.
#pragma once

#include "sim/workloads/attention/unit_grid.h"

#include <vector>

namespace tilemesh::workloads {

/// Row by row, every second row backwards: consecutive cells are neighbours.
std::vector<Cell> snake_curve(int rows, int cols);

/// Hilbert's curve from the cell (0, 0), generalised to any rows x cols (after J. Cerveny, "Generalized Hilbert
/// space- filling curve for rectangular domains", 2018); on squares of a power of two the classic one. Consecutive
/// cells are neighbours, and cells that are k apart along the curve are about sqrt(k) apart in the grid.
std::vector<Cell> hilbert_curve(int rows, int cols);

}  // namespace tilemesh::workloads
