// SPDX-License-Identifier: Apache-2.0
// How the gradient of a chunk is cut: into cells of keys, on every rank alike. No row of the table cuts through one,
// so a gradient is stored, summed and sent cell by cell whoever made it.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

/// Cells of `chunk` of at most `most` keys, in order; they cover it and lie within runs of its tokens.
attention::Ranges gradient_cells(const attention::Launch& launch, const attention::Item& chunk, std::int64_t most);

/// The cells (each whole) that lie in `keys`.
attention::Ranges cells_in(const attention::Ranges& cells, const attention::Ranges& keys);

/// Neighbouring cells joined to tiles of at most `most` keys (a larger cell is a tile) within runs and within `keys`.
attention::Ranges tiles_of_cells(const attention::Tokens& tokens, const attention::Ranges& cells,
                                 const attention::Ranges& keys, std::int64_t most);

}  // namespace tilemesh::kernels
