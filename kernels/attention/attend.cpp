// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/attend.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace tilemesh::kernels {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

Tile kept_as(tl::Context& tl, Tile tile, Dtype dtype) { return tile.dtype() == dtype ? tile : tl.cast(tile, dtype); }

/// What o is divided by: l, and where it is 0, where o is 0 too, the smallest number. A scale of v is taken out of l,
/// which is a column.
Tile divisor(tl::Context& tl, const State& state, double value_scale = 1.0) {
    constexpr float least = std::numeric_limits<float>::min();
    if (value_scale == 1.0) return tl.maximum(state.l, least);
    return tl.maximum(state.l * static_cast<float>(1.0 / value_scale), least);
}

}  // namespace

Attention::Attention(tl::Context& tl, const attention::Problem& problem, Dtype state)
    : tl_(tl),
      problem_(problem),
      log2_scale_(static_cast<float>(problem.score_unit() * std::numbers::log2e)),
      probability_(problem.probability()),
      state_(state) {}

void Attention::attend(Block block) {
    Tile scores = scores_of(block);
    block.q = block.k = Tile();
    Stage next{std::move(block), std::move(scores), Tile()};
    std::optional<Stage> weighted;
    if (scored_) weighted = softmax(std::move(*scored_));
    if (weighted_) values(std::move(*weighted_));
    weighted_ = std::move(weighted);
    scored_ = std::move(next);
}

Tile Attention::scores_of(const Block& block) {
    const tl::PhaseScope phase(tl_, block.where);
    return tl_.dot(block.q, tl_.trans(block.k));
}

void Attention::complete(const State& state) { issue_held_back(&state); }

void Attention::flush() { issue_held_back(nullptr); }

void Attention::issue_held_back(const State* only) {
    const auto take = [only](std::optional<Stage>& held) -> std::optional<Stage> {
        if (!held || (only && held->block.state != only)) return {};
        return std::exchange(held, std::nullopt);
    };
    std::optional<Stage> scored = take(scored_), weighted = take(weighted_);
    if (scored) scored = softmax(std::move(*scored));
    if (weighted) values(std::move(*weighted));
    if (scored) values(std::move(*scored));
}

Attention::Stage Attention::softmax(Stage stage) {
    Block& block = stage.block;
    const tl::PhaseScope phase(tl_, block.where);
    State& state = *block.state;
    Tile s = with_terms(tl_, capped(tl_, problem_, std::move(stage.tile)), std::exchange(block.terms, {}));
    if (block.mask) s = tl_.where(std::exchange(block.mask, Tile()), s, -infinity);
    // Row maxima in score units; a row that sees nothing stays at lowest_score.
    Tile m = tl_.max(s) * log2_scale_;
    if (is_fp8(probability_)) m = m - fp8_probability_exponent;
    m = tl_.maximum(std::move(m), state ? tl::Operand(state.m) : tl::Operand(lowest_score));
    // The product is rounded here as it was in m, so the largest exponent is 0 exactly, and l is at least 1.
    Tile p = tl_.fms(s, log2_scale_, m);
    s = Tile();
    p = tl_.exp2(p);
    Tile l = tl_.sum(p);
    if (state) {
        stage.correction = tl_.exp2(state.m - m);
        l = tl_.fma(state.l, stage.correction, l);
    }
    state.m = std::move(m);
    state.l = std::move(l);
    stage.tile = tl_.cast(p, probability_);
    return stage;
}

void Attention::values(Stage stage) {
    const tl::PhaseScope phase(tl_, stage.block.where);
    State& state = *stage.block.state;
    if (stage.correction) {
        state.o = tl_.dot(stage.tile, stage.block.v, state.o * stage.correction);
    } else {
        state.o = tl_.dot(stage.tile, stage.block.v);
    }
    state.o = kept_as(tl_, std::move(state.o), state_);
    if (stage.block.done) stage.block.done();
}

void merge(tl::Context& tl, State& into, const State& other) {
    if (!other) return;
    if (!into) {
        into = other;
        return;
    }
    // In an order in which no command waits for the one right before it, if another could go first.
    const Tile m = tl.maximum(into.m, other.m);
    Tile a = into.m - m, b = other.m - m;
    a = tl.exp2(a);
    b = tl.exp2(b);
    const Tile other_l = other.l * b, other_o = other.o * b;
    into.l = tl.fma(into.l, a, other_l);
    into.o = kept_as(tl, tl.fma(into.o, a, other_o), into.o.dtype());
    into.m = m;
}

Result finish(tl::Context& tl, const State& state, const attention::Problem& problem, const Tile& sink) {
    // l is 0 exactly where no key was visible (else the maximum itself contributes 1); o is 0 there too and stays 0
    // over the smallest divisor, and log 0 is -inf.
    Result result;
    const Dtype dtype = problem.output_dtype();
    const double value_scale = problem.scales.v;
    if (sink) {
        const Tile m = tl.maximum(state.m, sink);
        Tile a = tl.exp2(state.m - m);
        const Tile l = tl.fma(state.l, a, tl.exp2(sink - m));
        if (value_scale != 1.0) a = a * static_cast<float>(value_scale);
        result.o = tl.cast(state.o * (a / tl.maximum(l, std::numeric_limits<float>::min())), dtype);
        result.lse = tl.fma(m, static_cast<float>(std::numbers::ln2), tl.log(l));
        return result;
    }
    // The logarithm while the divisor is on its way, as in merge().
    const Tile l = divisor(tl, state, value_scale), log_l = tl.log(state.l);
    const Tile o = state.o / l;
    result.lse = tl.fma(state.m, static_cast<float>(std::numbers::ln2), log_l);
    result.o = tl.cast(o, dtype);
    return result;
}

Normalised normalised(tl::Context& tl, const State& state) {
    return {kept_as(tl, state.o / divisor(tl, state), state.o.dtype()),
            tl.fma(tl.log(state.l), static_cast<float>(std::numbers::log2e), state.m)};
}

State state_of(tl::Context& tl, const Normalised& result) {
    // lse is finite (then m = lse and l = 2^0) or -inf (then m is the lowest and l = 2^-inf).
    State state;
    state.m = tl.maximum(result.lse, lowest_score);
    state.l = tl.exp2(result.lse - state.m);
    state.o = result.out;
    return state;
}

Result nothing_visible(tl::Context& tl, Shape output, Dtype dtype, const Tile& sink) {
    Tile lse = tl.full(Shape{output.batch(), output.rows(), 1}, -infinity);
    if (sink) lse = tl.maximum(lse, sink * static_cast<float>(std::numbers::ln2));
    return {tl.zeros(output, dtype), lse};
}

}  // namespace tilemesh::kernels
