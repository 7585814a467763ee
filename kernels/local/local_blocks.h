// SPDX-License-Identifier: Apache-2.0
// What the local kernels share: one PE has all tokens of its kv heads, cuts their queries into blocks, and asks for
// queries, keys, values, masks and biases of a block. No schedule, no chunks: a local index is a token. The table
// these kernels run under is head_parallel's.
#pragma once

#include "kernels/attention/attend.h"
#include "sim/attention/kernel.h"
#include "sim/attention/mask_blocks.h"

#include <vector>

namespace tilemesh::kernels {

/// Queries worked on at once: rows are tokens times the query heads of a kv head.
struct LocalBlock {
    int user = 0;
    attention::Range heads;   // kv heads, counted from the PE's first
    attention::Range tokens;  // queries
};

class LocalBlocks {
public:
    LocalBlocks(tl::Context& tl, const attention::Launch& launch) : tl_(tl), launch_(launch), terms_(tl, launch) {}

    /// All of this PE's, by user, heads and tokens.
    std::vector<LocalBlock> all() const;
    attention::Range keys(int user) const { return {0, launch_.needs->keys(user, 0).size()}; }
    /// [0, keys) in tiles of `size`.
    std::vector<attention::Range> key_tiles(int user, std::int64_t size) const;
    attention::Visible visible(const LocalBlock& block, attention::Range keys) const;

    Tile q(const LocalBlock& block);                         // [heads, rows, head_dim]
    Tile k(const LocalBlock& block, attention::Range keys);  // [heads, keys, head_dim]
    /// [heads, keys, value_dim]; with latents a view of `k`, the tile of the same keys.
    Tile v(const LocalBlock& block, attention::Range keys, const Tile& k);
    Tile mask(const LocalBlock& block, attention::Range keys);  // [1 or heads, rows, keys]
    ScoreTerms terms(const LocalBlock& block, attention::Range keys);
    /// [heads, rows, 1] times `factor`; no tile when the problem has no sinks.
    Tile sinks(const LocalBlock& block, float factor);
    /// scale * q k^T, capped and biased, with what is hidden at -inf: the scores as a textbook has them.
    Tile scores(const LocalBlock& block, const Tile& q, const Tile& k, attention::Range keys);
    void store(const LocalBlock& block, const Result& result);
    /// The result of a state of base-2 exponentials, stored.
    void finish(const LocalBlock& block, const State& state);
    /// The result of a block that sees no key.
    Result nothing(const LocalBlock& block);

private:
    attention::Range query_heads(const LocalBlock& block) const;
    attention::Run positions(const LocalBlock& block) const;
    const attention::UserTensors& tensors(const LocalBlock& block) const {
        return launch_.users[static_cast<std::size_t>(block.user)];
    }
    std::int64_t rows(const LocalBlock& block) const { return block.tokens.size() * launch_.problem->group(); }

    tl::Context& tl_;
    const attention::Launch& launch_;
    TermSource terms_;
};

/// Tiles as plan_attention chooses them, with `preferred` where that fits.
attention::Tiling plan_preferring(const attention::Tiling& preferred, const attention::Problem& problem,
                                  const attention::NeedSets& needs, const attention::Schedule& schedule,
                                  std::int64_t heads, const attention::Device& device,
                                  const attention::Tiling& request, std::string& why_not);

}  // namespace tilemesh::kernels
