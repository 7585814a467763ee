// SPDX-License-Identifier: Apache-2.0
#include "kernels/backward/block.h"

#include "kernels/attention/attend.h"

#include <limits>
#include <numbers>

namespace tilemesh::kernels {

namespace {

// Scores of one and the same pair differ by a few units in the last place from pass to pass when another tiling adds
// them in another order.
constexpr float order_of_sums = 0x1p-20F;

/// What the exponents of a tile of scores are relative to. Of a tile that holds the row's maximum that is the tile's
/// own, bit for bit, so that the largest exponent is 0; of others it is m.
Tile maximum_for(tl::Context& tl, const Tile& scores, float log2_scale, const RowTerms& terms) {
    const Tile greatest = tl.maximum(tl.max(scores) * log2_scale, terms.near);
    // 1 where it is above `near`, else 0: no command compares values.
    const Tile holds = tl.minimum((greatest - terms.near) * 1e30F, 1.0F);
    return tl.fma(holds, greatest - terms.m, terms.m);
}

}  // namespace

RowTerms row_terms(tl::Context& tl, const attention::Problem& problem, const Tile& d_o, const Tile& o, const Tile& m,
                   const Tile& l, const Tile& d_lse) {
    Tile d = tl.sum(tl.cast(d_o, Dtype::f32) * o);
    if (d_lse) d = d - d_lse;
    // l is at least 1 where anything is visible. Where nothing is it is 0, and so are all exponentials.
    return {m, tl.divide(probability_scale, tl.maximum(l, 1.0F)), d * (sign_of_d(problem) / probability_scale),
            near_maximum(tl, m)};
}

Tile near_maximum(tl::Context& tl, const Tile& m) {
    return tl.maximum(tl.fma(tl.maximum(m, m * -1.0F), -order_of_sums, m), lowest_score);
}

Gradients::Gradients(tl::Context& tl, const attention::Problem& problem)
    : tl_(tl),
      problem_(problem),
      log2_scale_(static_cast<float>(problem.score_unit() * std::numbers::log2e)),
      dp_scale_(sign_of_d(problem) * static_cast<float>(problem.scales.v) / probability_scale) {}

void Gradients::add(GradientBlock block) {
    const tl::PhaseScope phase(tl_, block.where);
    Tile s = tl_.dot(block.q, tl_.trans(block.k));
    Tile dp = tl_.dot(block.d_o, tl_.trans(block.v));
    block.v = Tile();
    Stage next{std::move(block), std::move(s), std::move(dp)};
    std::optional<Stage> weighted;
    if (scored_) weighted = probabilities(std::move(*scored_));
    if (weighted_) products(std::move(*weighted_));
    weighted_ = std::move(weighted);
    scored_ = std::move(next);
}

void Gradients::flush() {
    std::optional<Stage> weighted;
    if (scored_) weighted = probabilities(std::move(*scored_));
    if (weighted_) products(std::move(*weighted_));
    if (weighted) products(std::move(*weighted));
    scored_.reset();
    weighted_.reset();
}

Gradients::Stage Gradients::probabilities(Stage stage) {
    GradientBlock& block = stage.block;
    const tl::PhaseScope phase(tl_, block.where);
    const Dtype dtype = block.d_o.dtype();
    Tile s = capped(tl_, problem_, std::move(stage.s));
    Tile bent = problem_.soft_cap > 0.0 ? s : Tile();  // tanh
    s = with_terms(tl_, std::move(s), std::exchange(block.terms_of_scores, {}));
    if (block.mask) s = tl_.where(std::exchange(block.mask, Tile()), s, -std::numeric_limits<float>::infinity());
    Tile p = tl_.fms(s, log2_scale_, maximum_for(tl_, s, log2_scale_, block.terms));
    s = Tile();
    p = tl_.exp2(p);
    p = p * block.terms.over_l;
    stage.s = tl_.cast(p, dtype);
    Tile ds = tl_.fms(std::exchange(stage.dp, Tile()), dp_scale_, block.terms.d);
    ds = std::exchange(p, Tile()) * std::exchange(ds, Tile());
    if (bent) {
        Tile slope = tl_.fms(bent, bent, 1.0F);  // minus
        bent = Tile();
        ds = std::exchange(ds, Tile()) * std::exchange(slope, Tile());
    }
    stage.dp = tl_.cast(ds, dtype);
    block.terms = RowTerms();
    return stage;
}

void Gradients::products(Stage stage) {
    GradientBlock& block = stage.block;
    const Where where = block.where;
    const tl::PhaseScope phase(tl_, where);
    const auto accumulate = [&](Tile& sum, const Tile& a, const Tile& b) {
        sum = sum ? tl_.dot(a, b, sum) : tl_.dot(a, b);
    };
    accumulate(block.keys->dv, tl_.trans(stage.s), block.d_o);
    accumulate(block.keys->dk, tl_.trans(stage.dp), block.q);
    accumulate(*block.dq, stage.dp, block.k);
    const std::function<void()> done = std::move(block.done);
    stage = Stage();
    if (done) done();
}

}  // namespace tilemesh::kernels
