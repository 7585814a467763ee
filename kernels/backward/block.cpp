// SPDX-License-Identifier: Apache-2.0
#include "kernels/backward/block.h"

#include "kernels/attention/attend.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace tilemesh::kernels {

RowTerms row_terms(tl::Context& tl, const attention::Problem& problem, const Tile& d_o, const Tile& o,
                   const Tile& lse, const Tile& d_lse) {
    // A row that sees nothing has lse -inf; its scores are all -inf, and so is their difference to a finite number.
    const Tile base2 = tl.maximum(lse * std::numbers::log2e_v<float>, lowest_score);
    Tile d = tl.sum(tl.cast(d_o, Dtype::f32) * o);
    if (d_lse) d = d - d_lse;
    return {base2 - std::log2(probability_scale), d * (sign_of_d(problem) / probability_scale)};
}

Gradients::Gradients(tl::Context& tl, const attention::Problem& problem)
    : tl_(tl), problem_(problem), log2_scale_(static_cast<float>(problem.score_unit() * std::numbers::log2e)) {}

void Gradients::add(GradientBlock block) {
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
    const Dtype dtype = block.q.dtype();
    Tile s = capped(tl_, problem_, std::move(stage.s));
    Tile bent = problem_.soft_cap > 0.0 ? s : Tile();  // tanh
    s = with_terms(tl_, std::move(s), std::exchange(block.terms_of_scores, {}));
    if (block.mask) s = tl_.where(std::exchange(block.mask, Tile()), s, -std::numeric_limits<float>::infinity());
    Tile p = tl_.fms(s, log2_scale_, block.terms.lse);
    s = Tile();
    p = tl_.exp2(p);
    stage.s = tl_.cast(p, dtype);
    Tile ds = tl_.fms(std::exchange(stage.dp, Tile()), sign_of_d(problem_) / probability_scale, block.terms.d);
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
