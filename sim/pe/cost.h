// SPDX-License-Identifier: Apache-2.0
// How many cycles a command takes on its engine. Pure functions of the command and the configuration.
#pragma once

#include "sim/pe/config.h"

#include <cstdint>

namespace tilemesh::pe {

/// Cost of one command: the engine can start the next after `occupancy`; the result exists after `latency` >=
/// occupancy (pipeline depth, draining of the array).
struct Cost {
    double occupancy_cycles = 0.0;
    double latency_cycles = 0.0;
};

/// Cycles of an (m x k) by (k x n) product on a rows x cols systolic array (Samajdar et al., "A Systematic
/// Methodology for Characterizing Scalability of DNN Accelerators using SCALE-Sim", ISPASS 2020). Output stationary:
/// ceil(m/rows) * ceil(n/cols) folds of rows + cols + k - 2 cycles; weight stationary: ceil(k/rows) * ceil(n/cols)
/// folds of m + 2 rows + cols - 2. A remainder of m, n or k costs a whole fold: unused rows and columns are padded,
/// not skipped. Not overlapped, folds run one after another (and the last cycle coincides with the end: minus one),
/// which is what SCALE-Sim reports; draining results is not counted. Overlapped, folds follow each other at the pace
/// of their streams (k, or m, but not faster than a fold's results or weights shift through its rows), and fill and
/// drain are paid once, as latency.
Cost systolic_cost(int rows, int cols, Dataflow dataflow, bool overlap_folds, std::int64_t m, std::int64_t n,
                   std::int64_t k);

/// What a product moves through the SRAM port: operands in, an accumulator too, and the f32 result out.
struct PortBytes {
    std::uint64_t read = 0, written = 0;
};
PortBytes matrix_bytes(const Command& command);
Cost matrix_cost(const MatrixConfig& config, const Command& command);
/// Cycles of its multiply-accumulates alone, every one of the engine's units at work.
double matrix_cycles(const MatrixConfig& config, const Command& command);
Cost vector_cost(const VectorConfig& config, Opcode op, std::int64_t elements);

}  // namespace tilemesh::pe
