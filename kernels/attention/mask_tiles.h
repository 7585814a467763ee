// SPDX-License-Identifier: Apache-2.0
// What the mask says about one block of queries and keys of a kernel: whether it can be left out, and its element
// mask as a tile. The mask itself is in sim/attention/mask.h.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

/// The queries of a block: their positions and the query heads (numbers of the problem) they belong to.
struct MaskedQueries {
    attention::Run positions;
    attention::Range heads;
};

/// `keys`: local indices of the chunk, within one run.
attention::Visible visible_keys(const attention::Launch& launch, const attention::Item& chunk,
                                const MaskedQueries& queries, attention::Range keys);

/// The element mask [kv heads or 1, rows, keys]; rows are tokens times the query heads of a kv head.
Tile mask_tile(tl::Context& tl, const attention::Launch& launch, const attention::Item& chunk,
               const MaskedQueries& queries, attention::Range keys);

}  // namespace tilemesh::kernels
