// SPDX-License-Identifier: Apache-2.0
// What becomes of the scores of a block before the softmax beside scale and element mask: the soft cap, and biases by
// key, by pair and by distance (ALiBi). And the sinks, one more score per query head. Forward and backward kernels
// share it. Scores of tiles count in units of Problem::score_unit(), so biases come divided by it.
#pragma once

#include "sim/attention/kernel.h"
#include "sim/tile/context.h"

#include <array>
#include <cstdint>
#include <optional>

namespace tilemesh::kernels {

/// What is added to the scores [heads, rows, keys] of a block; empty tiles add nothing.
struct ScoreTerms {
    Tile key_bias;   // [1, 1, keys]
    Tile pair_bias;  // [1 or heads, rows, keys]
    Tile distance;   // minus the distance of query and key [1, rows, keys]; there when slopes are
    Tile slopes;     // [heads, rows, 1]
};
Tile with_terms(tl::Context& tl, Tile scores, ScoreTerms terms);

/// tanh(scale q.k / cap), of which a unit is the cap; without a cap the scores as they are.
Tile capped(tl::Context& tl, const attention::Problem& problem, Tile scores);

/// The queries of a block: kv heads counted from the PE's first, tokens as local indices of `owner`'s.
struct TermRows {
    int user = 0;
    int owner = 0;
    attention::Range heads;
    attention::Range tokens;
    attention::Run positions;
};

/// Makes terms and sinks from what lies in this PE's HBM.
class TermSource {
public:
    TermSource(tl::Context& tl, const attention::Launch& launch) : tl_(tl), launch_(launch) {}

    /// All but the bias per key, which goes with a tile of keys. `keys`: local indices of the chunk of `origin`, of
    /// one run.
    ScoreTerms terms(const TermRows& rows, int origin, attention::Range keys);
    /// [heads, rows, 1], kept for the blocks that follow; no tile when the mask has none.
    Tile slopes(const TermRows& rows);
    /// [1, 1, keys]; no tile when the mask has none.
    Tile key_bias(int user, int origin, attention::Range keys);
    /// [heads, tokens * group, 1] times `factor`; no tile when the problem has none.
    Tile sinks(int user, attention::Range heads, std::int64_t tokens, float factor);

private:
    /// A number per query head as a column of rows; the last one made is kept.
    struct Column {
        int user = -1;
        attention::Range heads;
        float factor = 1.0F;
        Tile tile;
    };
    Tile column(Column& kept, Tensor* tensor, int user, attention::Range heads, std::int64_t tokens, float factor);
    Tile distance(const attention::Run& queries, const attention::Run& keys);
    Tile pair_bias(const TermRows& rows, int origin, attention::Range keys);
    std::int64_t before(int user, int origin) const;

    tl::Context& tl_;
    const attention::Launch& launch_;
    Column slopes_, sinks_;
};

/// SRAM that terms and sinks take beside the scores of the block in work and of the next.
double term_bytes(const attention::Problem& problem, const attention::Tiling& tiling);

}  // namespace tilemesh::kernels
