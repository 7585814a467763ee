// SPDX-License-Identifier: Apache-2.0
// The inner part of the backward pass: what a block of queries and a block of keys add to dq, dk and dv. Source:
// FlashAttention-2 (Dao 2023), algorithm 2: p is made again from the scores and the log-sum-exp of the forward pass,
//     p = exp(scale q k^T - m) / l   dp = do v^T   ds = p (dp - D)   dv += p^T do   dk += ds^T q   dq += ds k
// with D = rowsum(do o), less the gradient of lse where one comes in; with a soft cap ds is multiplied by its slope
// 1 - tanh^2. p and ds are rounded to the type of do as operands, sums are f32. The scale of dq and dk is
// multiplied in at the end; that of stored elements of v belongs to dp. Maximum m and sum l of a row (its sink among
// them) come apart, because at large scores m
// + log l in f32 is m, and l is lost.
#pragma once

#include "kernels/attention/phases.h"
#include "kernels/attention/score_terms.h"
#include "sim/attention/problem.h"
#include "sim/tile/context.h"

#include <functional>
#include <optional>

namespace tilemesh::kernels {

/// Probabilities of a long context are small for f16 (its normal numbers end at 2^-14), so p is held as p 2^15 and dv
/// with it, until its end. p is at most 1, so nothing overflows; ds has the usual magnitude, because D and dp are
/// multiplied by 2^-15 in the operation that subtracts them.
inline constexpr float probability_scale = 32768.0F;

/// What the rows of a block of queries have of the forward pass, as the block wants it: columns [heads, rows, 1].
struct RowTerms {
    Tile m;       // the row's maximum in base 2
    Tile over_l;  // 2^15 / l
    Tile d;       // D 2^-15; with a soft cap minus that, since there minus the slope is at hand
    Tile near;    // a little below m; made of it (near_maximum), never stored
};
/// 1, or -1 where d has the other sign.
inline float sign_of_d(const attention::Problem& problem) { return problem.soft_cap > 0.0 ? -1.0F : 1.0F; }
/// From do and o [heads, rows, value_dim], m, l and the gradient of lse (none: 0) [heads, rows, 1].
RowTerms row_terms(tl::Context& tl, const attention::Problem& problem, const Tile& d_o, const Tile& o, const Tile& m,
                   const Tile& l, const Tile& d_lse);
/// A tile of scores whose greatest is not below this holds the row's maximum, or one that its rounding cannot tell
/// from it.
Tile near_maximum(tl::Context& tl, const Tile& m);

/// Sums over the queries that a tile of keys has met; empty: none yet.
struct KeySums {
    Tile dk;  // [heads, keys, head_dim], without the scale
    Tile dv;  // [heads, keys, value_dim], times probability_scale
};

/// q [heads, rows, head_dim], do [heads, rows, value_dim], k [heads, keys, head_dim], v [heads, keys, value_dim].
struct GradientBlock {
    Tile q, d_o;
    RowTerms terms;
    Tile k, v;
    Tile mask;                   // element mask [1 or heads, rows, keys]; none: all visible
    ScoreTerms terms_of_scores;  // added to the scores
    Where where;
    Tile* dq = nullptr;  // sum over keys [heads, rows, head_dim], without the scale; empty: none yet
    KeySums* keys = nullptr;
    std::function<void()> done;  // called when the block has been issued in full
};

/// Issues blocks in three stages so that matrix and vector engine work at once: the two products of scores (matrix),
/// p and ds (vector), the three products of gradients (matrix). Each call issues the first stage of its block, the
/// second of the block before and the third of the one before that.
class Gradients {
public:
    /// `problem` as kernels are given it, with the scale of stored elements.
    Gradients(tl::Context& tl, const attention::Problem& problem);
    void add(GradientBlock block);
    /// Issues what is still held back.
    void flush();

private:
    struct Stage {
        GradientBlock block;
        Tile s, dp;  // then p and ds as operands
    };
    Stage probabilities(Stage stage);
    void products(Stage stage);

    tl::Context& tl_;
    const attention::Problem& problem_;
    float log2_scale_;  // unit of the scores * log2(e)
    float dp_scale_;    // the scale of v over probability_scale, with the sign of d
    std::optional<Stage> scored_, weighted_;
};

}  // namespace tilemesh::kernels
