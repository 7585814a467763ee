// SPDX-License-Identifier: Apache-2.0
// Where tensors live on a machine and where instances of a program run.
#pragma once

#include "sim/machine/simulation.h"
#include "sim/program/array.h"
#include "sim/workloads/program/panel.h"

#include <array>
#include <functional>
#include <vector>

namespace tilemesh::workloads {

/// Room for so many bytes in the slice of a PE; returns its address.
using Reserve = std::function<std::uint64_t(int pe, std::uint64_t bytes, const std::string& what)>;

/// InputError when a PE does not exist or a slice is full. Blocks of a sharded dimension differ by one index at most.
program::ArrayLayout lay_out(const TensorChoice& tensor, const machine::MachineConfig& machine,
                             const Reserve& reserve);

/// Number of the first element that a PE has of its own, or if it has none, that its cube has. InputError when there
/// is none either, or the share is not in one piece.
std::int64_t local_element(const program::Array& array, int pe, int pes_per_cube, const std::string& where);

/// The PE in the same place of the cube to the east, west, north and south; -1: none.
std::array<int, 4> neighbours_in_cubes(const machine::MachineConfig& machine, int pe);

/// The instances of each PE (numbers in the grid, the first axis fastest), in the order in which they run.
std::vector<std::vector<std::int64_t>> dispatch(const DispatchChoice& choice, const LaunchChoice& launch, int pes,
                                                const std::string& where);

}  // namespace tilemesh::workloads
