// SPDX-License-Identifier: Apache-2.0
// Simple launches on a machine that is driven by them: a product, a copy, a merge of two results, an exchange between
// neighbours. They show what the machine's rates and launch costs come to, and are what those are calibrated with.
#pragma once

#include "sim/machine/config.h"

#include <cstdint>

namespace tilemesh::probe {

/// [m, k] x [k, n] on one PE: operands from HBM, the result rounded to `dtype` and stored.
Picoseconds time_of_product(const machine::MachineConfig& machine, std::int64_t m, std::int64_t n, std::int64_t k,
                            Dtype dtype);

/// `bytes` from HBM to HBM of one PE.
Picoseconds time_of_copy(const machine::MachineConfig& machine, std::uint64_t bytes);

/// Two results (out, lse) of [heads, rows, cols] in f32 merged element by element on one PE, as kernels with launches
/// of their own do it: the weighted difference goes through HBM.
Picoseconds time_of_merge(const machine::MachineConfig& machine, std::int64_t heads, std::int64_t rows,
                          std::int64_t cols);

/// Every PE sends `bytes` to the next on a closed ring of all PEs and receives as many; `both_ways`: to and from
/// either neighbour.
Picoseconds time_of_shift(const machine::MachineConfig& machine, std::uint64_t bytes, bool both_ways);

/// Every PE sends `bytes` to every other and receives as many from it, in so many messages for each.
Picoseconds time_of_all_to_all(const machine::MachineConfig& machine, std::uint64_t bytes, int messages);

}  // namespace tilemesh::probe
