// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/mask_tiles.h"

#include "kernels/attention/element_mask.h"
#include "sim/attention/mask_blocks.h"

namespace tilemesh::kernels {

attention::Visible visible_keys(const attention::Launch& launch, const attention::Item& chunk,
                                const MaskedQueries& queries, attention::Range keys) {
    return attention::visible(*launch.problem->mask, {chunk.user, queries.heads}, queries.positions,
                              launch.needs->keys(chunk.user, chunk.id).run(keys));
}

Tile mask_tile(tl::Context& tl, const attention::Launch& launch, const attention::Item& chunk,
               const MaskedQueries& queries, attention::Range keys) {
    return element_mask(tl, *launch.problem, chunk.user, queries.heads, queries.positions,
                        launch.needs->keys(chunk.user, chunk.id).run(keys));
}

}  // namespace tilemesh::kernels
