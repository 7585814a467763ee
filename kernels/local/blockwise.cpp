// SPDX-License-Identifier: Apache-2.0
// Second rung: online softmax, block by block. A running maximum m, sum l and unnormalised output o per row take in
// one block of keys after the other; what came before is rescaled by e^(old m - new m). Natural exponentials, scale
// applied to the scores, one block after the other: the recurrence as it is written. Source: Milakov and Gimelshein,
// Online normalizer calculation for softmax, 2018; Rabe and Staats, Self-attention does not need O(n^2) memory, 2021.
// Cost: one PE, no link. SRAM independent of the context. Vector work per score of a visible block: scale, maximum,
// subtraction, exponential, sum, cast; matrix and vector engine still take turns, tau = their sum.
// Wins over standard as soon as rows are long or the mask hides blocks. The rung above (flash) folds the scale into
// the subtraction, uses base 2, and issues the next block's scores before this block's values, so tau becomes the
// longer of matrix and vector work.
#include "kernels/local/local.h"
#include "kernels/local/local_blocks.h"

#include <limits>

namespace tilemesh::kernels {

void blockwise(tl::Context& tl, const Launch& launch) {
    LocalBlocks blocks(tl, launch);
    const Dtype kept = launch.schedule->state_format().o, probability = launch.problem->probability();
    const bool small = is_fp8(probability);
    for (const LocalBlock& block : blocks.all()) {
        const Tile q = blocks.q(block);
        const Shape rows{q.shape().batch(), q.shape().rows(), 1};
        // lowest_score rather than -inf: a row that has seen nothing yet needs no special case.
        Tile m = tl.full(rows, lowest_score), l = tl.zeros(rows), o;
        for (const attention::Range& keys : blocks.key_tiles(block.user, launch.tiling.tile_keys)) {
            if (blocks.visible(block, keys) == attention::Visible::none) continue;
            const Tile k = blocks.k(block, keys), v = blocks.v(block, keys, k);
            Tile scores = blocks.scores(block, q, k, keys);
            Tile greatest = tl.max(scores);
            if (small) greatest = greatest - 3.0F;  // as fp8_probability_exponent, but e^3: at most e^4 is left of it
            const Tile m_new = tl.maximum(m, greatest);
            const Tile p = tl.exp(std::exchange(scores, Tile()) - m_new);
            const Tile a = tl.exp(m - m_new);
            l = l * a + tl.sum(p);
            o = o ? tl.dot(tl.cast(p, probability), v, o * a) : tl.dot(tl.cast(p, probability), v);
            if (kept != Dtype::f32) o = tl.cast(o, kept);
            m = m_new;
        }
        if (!o) {
            blocks.store(block, blocks.nothing(block));
            continue;
        }
        if (const Tile sink = blocks.sinks(block, 1.0F)) {  // one more score, of value 0
            const Tile m_new = tl.maximum(m, sink);
            const Tile a = tl.exp(m - m_new);
            l = l * a + tl.exp(sink - m_new);
            o = o * a;
            m = m_new;
        }
        // Where nothing was visible l and o are 0, and log 0 is -inf.
        Tile sum = l;
        if (launch.problem->scales.v != 1.0) sum = l * static_cast<float>(1.0 / launch.problem->scales.v);
        const Tile divisor = tl.maximum(sum, std::numeric_limits<float>::min());
        blocks.store(block, {tl.cast(o / divisor, launch.problem->output_dtype()), m + tl.log(l)});
    }
}

}  // namespace tilemesh::kernels
