// SPDX-License-Identifier: Apache-2.0
// Where in its slice the box of a tensor lies: what a load or a store asks the slice for.
#pragma once

#include "sim/memory/channels.h"
#include "sim/tile/command.h"

#include <cstdint>
#include <vector>

namespace tilemesh::pe {

/// How many DMA descriptors a transfer has: one for each of its pieces.
std::uint64_t descriptors_of(const Command& transfer);

/// The box of a tensor in pages, page by page and batch by batch; what follows what came before joins it.
std::vector<memory::Runs> pages_of(const TensorBox& box);

/// Boxes whose rows follow each other in memory are one segment per batch; others one per row. A box over several
/// batches and part of the rows' columns, or of the rows, has two strides; its batches are booked as if evenly spaced
/// by the row stride.
memory::Runs segments_of(const TensorBox& box);

}  // namespace tilemesh::pe
