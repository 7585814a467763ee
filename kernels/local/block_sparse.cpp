// SPDX-License-Identifier: Apache-2.0
// Fourth rung: block lists. Before anything runs, each query block gets the list of key blocks that the mask does not
// hide from it; only listed keys are loaded and multiplied. Listed blocks side by side are worked on as one tile, and
// an element mask is made only for a tile that is partly hidden. The work on a tile is flash's.
// Source: Child et al., Generating long sequences with sparse transformers, 2019; block lists as in FlexAttention,
// Dong et al., 2024.
// Cost: one PE, no link. Matrix, vector and HBM work of the listed blocks only; each query block loads its own list,
// so HBM bytes are (listed blocks) x (bytes of a key block), more than flash's when lists overlap. Wins when the mask
// hides blocks between blocks that it shows (bitmaps, sparse_fixed): flash only skips whole tiles and trims their
// ends. The rung above (dilated) wins where no block is hidden although most of its elements are.
#include "kernels/local/local.h"
#include "kernels/local/local_blocks.h"

#include <algorithm>
#include <memory>

namespace tilemesh::kernels {
namespace {

using attention::Range;
using attention::Visible;

struct Listed {
    Range keys;
    Visible visible = Visible::some;
};

/// Key blocks of `size` that the query block sees, joined into tiles of at most `most` keys: a larger tile wastes
/// less of the matrix array's fill and drain than an element mask over its visible part costs.
std::vector<Listed> block_list(const LocalBlocks& blocks, const LocalBlock& queries, std::int64_t size,
                               std::int64_t most) {
    std::vector<Listed> list;
    for (const Range& keys : blocks.key_tiles(queries.user, size)) {
        const Visible visible = blocks.visible(queries, keys);
        if (visible == Visible::none) continue;
        const bool joins =
            !list.empty() && list.back().keys.end == keys.begin && keys.end - list.back().keys.begin <= most;
        if (joins) {
            list.back().keys.end = keys.end;
            if (visible == Visible::some) list.back().visible = Visible::some;
        } else {
            list.push_back({keys, visible});
        }
    }
    return list;
}

}  // namespace

void block_sparse(tl::Context& tl, const Launch& launch) {
    LocalBlocks blocks(tl, launch);
    attention::Tiling stages;
    stages.products_apart = launch.tiling.products_apart;
    Attention attention(tl, *launch.problem, launch.schedule->state_format().o, stages);
    const std::int64_t most = launch.tiling.tile_keys, size = std::min(launch.tiling.fold_keys, most);
    for (const LocalBlock& queries : blocks.all()) {
        const std::vector<Listed> list = block_list(blocks, queries, size, most);
        if (list.empty()) {
            blocks.store(queries, blocks.nothing(queries));
            continue;
        }
        const Tile q = blocks.q(queries);
        const auto state = std::make_shared<State>();
        for (std::size_t i = 0; i < list.size(); ++i) {
            const Range keys = list[i].keys;
            auto block = std::make_unique<Block>();
            block->q = q;
            block->k = blocks.k(queries, keys);
            block->v = blocks.v(queries, keys, block->k);
            block->state = state.get();
            block->terms = blocks.terms(queries, keys);
            if (list[i].visible == Visible::some && launch.problem->mask->compare_operations() > 0)
                block->mask = blocks.mask(queries, keys);
            if (i + 1 == list.size())
                block->done = [&, queries, state] {
                    blocks.finish(queries, *state);
                    *state = State();
                };
            attention.attend(std::move(block));
        }
    }
    attention.flush();
}

attention::Tiling plan_block_sparse(const attention::Problem& problem, const attention::NeedSets& needs,
                                    const attention::Schedule& schedule, std::int64_t heads,
                                    const attention::Device& device, const attention::Tiling& request,
                                    std::string& why_not) {
    // Small enough for lists to follow the mask and for room to have the next ones on their way, large enough for the
    // matrix array to be at work for as long as it takes to fill.
    attention::Tiling preferred = request;
    if (request.tile_queries == 0)
        preferred.tile_queries = std::max<std::int64_t>(1, 4 * device.matrix_rows / problem.group());
    if (request.tile_keys == 0) preferred.tile_keys = 2 * device.matrix_cols;
    // Heads that see different keys have lists of their own.
    if (request.tile_heads == 0 && problem.mask->varies_by_head()) preferred.tile_heads = 1;
    return plan_preferring(preferred, problem, needs, schedule, heads, device, request, why_not);
}

}  // namespace tilemesh::kernels
