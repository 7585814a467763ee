// SPDX-License-Identifier: Apache-2.0
// The queries of a PE in the backward pass, cut into blocks: q, do, two terms of the forward pass and the sum dq.
// They stay in SRAM when all of them fit; else a block comes in while keys are worked on and its dq goes back to HBM.
#pragma once

#include "kernels/backward/block.h"
#include "sim/attention/kernel.h"

#include <algorithm>
#include <vector>

namespace tilemesh::kernels {

struct RowBlock {
    int user = 0;
    attention::Range heads;   // kv heads, counted from the PE's first
    attention::Range tokens;  // local indices of the queries
    attention::Run positions;
    attention::Range query_heads;  // numbers of the problem
    Tile q, d_o;
    RowTerms terms;
    Tile dq;
    bool dq_in_hbm = false;
    int steps_left = 0;   // tiles of keys it has still to meet
    int at_work = 0;      // steps it is in SRAM for
    bool summed = false;  // launches of their own: dq_sum has what block products before added
    bool written = false;
};

class QueryRows {
public:
    QueryRows(tl::Context& tl, const attention::Launch& launch);

    /// Blocks of a user's queries, those of the same heads side by side.
    std::vector<RowBlock>& blocks(int user) { return blocks_[static_cast<std::size_t>(user)]; }
    /// Makes the terms of every block that meets keys, and this rank's share of the gradient of the sinks.
    void begin();
    /// The gradient of the sinks of a user, by blocks of tile_heads kv heads: [heads, group, 1], less its scale.
    std::vector<Tile>& sinks(int user) { return sinks_[static_cast<std::size_t>(user)]; }
    /// Stores it in full.
    void store_sinks(int user);
    /// The block is needed in SRAM for one step more, and for one step less. The last step of all stores its dq.
    void enter(RowBlock& block);
    void leave(RowBlock& block);
    /// A block product as a launch of its own begins: the terms of every block that takes part are made anew. The dq
    /// of one product is all of it (`alone`), or left to be added.
    void begin_product(int user, bool alone);
    /// Adds what the product left to the sums, through HBM; the next launch.
    void add_product(int user);
    /// After the last product of several: dq from the sums.
    void store_sums(int user);
    /// dq of the blocks that met no key is 0.
    void finish();

private:
    Shape shape(const RowBlock& block, std::int64_t cols) const;
    Tile load(Tensor* tensor, const RowBlock& block, std::int64_t cols, Dtype dtype);
    void store(Tensor* tensor, const RowBlock& block, const Tile& tile);
    const attention::UserGradientTensors& tensors(const RowBlock& block) const {
        return launch_.gradient_users[static_cast<std::size_t>(block.user)];
    }
    const attention::UserTensors& inputs(const RowBlock& block) const {
        return launch_.users[static_cast<std::size_t>(block.user)];
    }

    tl::Context& tl_;
    const attention::Launch& launch_;
    /// Where an unfinished dq waits: as a launch of its own leaves it, not among the sums of those before.
    Tensor* on_its_way(const RowBlock& block) const {
        return product_alone_ ? tensors(block).dq_sum : tensors(block).dq_block;
    }
    RowTerms make_terms(const RowBlock& block, const Tile& d_o);
    void keep_terms(const RowBlock& block, const RowTerms& terms);
    /// dq, scaled and rounded.
    void store_dq(const RowBlock& block, const Tile& sum);
    void add_sinks(const RowBlock& block, const RowTerms& terms);
    attention::Range head_block(std::size_t number) const {
        const auto begin = static_cast<std::int64_t>(number) * launch_.tiling.tile_heads;
        return {begin, std::min(begin + launch_.tiling.tile_heads, launch_.heads.size())};
    }

    TermSource terms_;
    bool product_alone_ = true;
    std::vector<std::vector<RowBlock>> blocks_;  // by user
    std::vector<std::vector<Tile>> sinks_;       // by user, by block of heads
};

}  // namespace tilemesh::kernels
