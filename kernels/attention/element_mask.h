// SPDX-License-Identifier: Apache-2.0
// The element mask of a block that the mask leaves partly visible, as a tile: what every kernel that meets such a
// block hides its scores with.
#pragma once

#include "sim/attention/mask_blocks.h"
#include "sim/attention/problem.h"
#include "sim/tile/context.h"

namespace tilemesh::kernels {

/// [1 or kv heads, queries * group, keys]: one mask for all heads unless they differ. `query_heads` are those of
/// whole kv heads; rows are tokens times the query heads of a kv head.
Tile element_mask(tl::Context& tl, const attention::Problem& problem, int user, attention::Range query_heads,
                  const attention::Run& queries, const attention::Run& keys);

}  // namespace tilemesh::kernels
