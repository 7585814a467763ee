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

void bring_values(tl::Context& tl, Block& block) {
    if (!block.bring_v) return;
    const ChargeScope charge(tl.repetition(), block.effort);
    const tl::PhaseScope phase(tl, block.where);
    block.v = std::exchange(block.bring_v, nullptr)();
}

/// What o is divided by: l, and where it is 0, where o is 0 too, the smallest number. A scale of v is taken out of l,
/// which is a column.
Tile divisor(tl::Context& tl, const State& state, double value_scale = 1.0) {
    constexpr float least = std::numeric_limits<float>::min();
    if (value_scale == 1.0) return tl.maximum(state.l, least);
    return tl.maximum(state.l * static_cast<float>(1.0 / value_scale), least);
}

}  // namespace

Attention::Attention(tl::Context& tl, const attention::Problem& problem, Dtype state, const attention::Tiling& tiling)
    : tl_(tl),
      problem_(problem),
      log2_scale_(static_cast<float>(problem.score_unit() * std::numbers::log2e)),
      probability_(problem.probability()),
      state_(state),
      stages_(static_cast<std::size_t>(tiling.stages)),
      ahead_(static_cast<std::size_t>(tiling.scores_ahead)),
      pace_(static_cast<int>(tiling.softmax_pace)),
      apart_(tiling.products_apart) {}

void Attention::attend(std::unique_ptr<Block> block) {
    if (!scored_.empty() && scored_.back()->block->weighed < block->keys) flush();
    while (!weighted_.empty() && weighted_.front()->block->weighed < block->keys) first_values();
    Tile scores = scores_of(*block);
    block->q = block->k = Tile();
    const auto values_but = [this](std::size_t most) {
        while (weighted_.size() > most) first_values();
    };
    const std::size_t summed = summed_.size();
    for (std::size_t i = 0; i < weighted_.size(); ++i) bring_values(tl_, *weighted_[i]->block);
    // Apart, they need nothing of the vector engine, whose queue may be full.
    if (apart_) values_but(stages_ - 2);
    if (scored_.size() == ahead_) softmaxes();
    values_but(stages_ - 1);
    for (std::size_t i = 0; i < summed; ++i) {
        const OneStage stage = summed_.pop();
        add(*stage);
    }
    scored_.push(std::make_unique<Stage>(Stage{.block = std::move(block), .tile = std::move(scores)}));
}

void Attention::first_values() { values(weighted_.pop(), apart_); }

Tile Attention::scores_of(const Block& block) {
    const ChargeScope charge(tl_.repetition(), block.effort);
    const tl::PhaseScope phase(tl_, block.where);
    return tl_.dot(block.q, tl_.trans(block.k));
}

void Attention::complete(const State& state) { issue_held_back(&state); }

void Attention::flush() { issue_held_back(nullptr); }

void Attention::issue_held_back(const State* only) {
    const auto each = [only](Stages& stages, auto body) {
        for (std::size_t left = stages.size(); left > 0; --left) {
            OneStage stage = stages.pop();
            if (!only || stage->block->state == only)
                body(std::move(stage));
            else
                stages.push(std::move(stage));
        }
    };
    const auto weigh = [this](OneStage stage) {
        softmax(*stage);
        weighted_.push(std::move(stage));
    };
    const bool apart = apart_ && !only;
    if (!apart) each(softmaxes_, weigh);
    if (!apart) each(scored_, weigh);
    if (!apart) each(summed_, [this](const OneStage& stage) { add(*stage); });
    each(weighted_, [&](OneStage stage) { values(std::move(stage), apart); });
    while (apart && !(scored_.empty() && softmaxes_.empty())) {
        softmaxes();
        each(weighted_, [this](OneStage stage) { values(std::move(stage), true); });
    }
    each(summed_, [this](const OneStage& stage) { add(*stage); });
}

void Attention::next_step(Stage& stage) {
    Block& block = *stage.block;
    const ChargeScope charge(tl_.repetition(), block.effort);
    const tl::PhaseScope phase(tl_, block.where);
    State& state = *block.state;
    Tile &s = stage.scores, &m = stage.m, &p = stage.p;
    static_assert(softmax_steps == 7);
    switch (stage.step++) {
        case 0:
            s = with_terms(tl_, capped(tl_, problem_, std::move(stage.tile)), std::exchange(block.terms, {}));
            if (block.mask) s = tl_.where(std::exchange(block.mask, Tile()), s, -infinity);
            m = tl_.max(s);
            break;
        case 1:
            // Row maxima in score units; a row that sees nothing stays at lowest_score.
            m = m * log2_scale_;
            if (is_fp8(probability_)) m = m - fp8_probability_exponent;
            break;
        case 2:
            stage.before = state.m;
            m = tl_.maximum(std::move(m), state ? tl::Operand(state.m) : tl::Operand(lowest_score));
            state.m = m;
            break;
        case 3:
            // The product is rounded here as it was in m, so the largest exponent is 0 exactly, and l is at least 1.
            p = tl_.fms(std::exchange(s, Tile()), log2_scale_, m);
            if (stage.before) stage.change = std::exchange(stage.before, Tile()) - m;
            m = Tile();
            break;
        case 4:
            p = tl_.exp2(p);
            if (stage.change) stage.correction = tl_.exp2(std::exchange(stage.change, Tile()));
            break;
        case 5:
            // Of short blocks what the values wait for first; of others the larger of both tiles is to go soon.
            if (stages_ == 2) stage.sum = tl_.sum(p);
            stage.tile = tl_.cast(p, probability_);
            if (stages_ > 2) stage.sum = tl_.sum(p);
            p = Tile();
            break;
        default:
            const Tile l = std::exchange(stage.sum, Tile());
            state.l = stage.correction ? tl_.fma(state.l, stage.correction, l) : l;
    }
}

void Attention::softmax(Stage& stage) {
    while (stage.step < softmax_steps) next_step(stage);
}

void Attention::softmaxes() {
    if (!scored_.empty()) softmaxes_.push(scored_.pop());
    for (int step = 0; step < pace_; ++step) {
        for (std::size_t i = 0; i < softmaxes_.size(); ++i) next_step(*softmaxes_[i]);
        if (softmaxes_.empty() || softmaxes_.front()->step < softmax_steps) continue;
        weighted_.push(softmaxes_.pop());
    }
}

void Attention::values(OneStage stage, bool apart) {
    const ChargeScope charge(tl_.repetition(), stage->block->effort);
    const tl::PhaseScope phase(tl_, stage->block->where);
    bring_values(tl_, *stage->block);
    const Tile v = std::exchange(stage->block->v, Tile());
    if (apart) {
        stage->tile = tl_.dot(stage->tile, v);
        summed_.push(std::move(stage));
        return;
    }
    Tile& o = stage->block->state->o;
    const Tile correction = std::exchange(stage->correction, Tile());
    stage->tile = correction ? tl_.dot(stage->tile, v, o * correction) : tl_.dot(stage->tile, v);
    add(*stage);
}

void Attention::add(Stage& stage) {
    const ChargeScope charge(tl_.repetition(), stage.block->effort);
    const tl::PhaseScope phase(tl_, stage.block->where);
    State& state = *stage.block->state;
    state.o = stage.correction ? tl_.fma(state.o, stage.correction, stage.tile) : std::move(stage.tile);
    state.o = kept_as(tl_, std::move(state.o), state_);
    if (stage.block->done) stage.block->done();
}

void take_maximum(tl::Context& tl, Merge& merge) {
    const tl::PhaseScope phase(tl, merge.where);
    merge.from = merge.other->m;
    if (!merge.from) return;
    merge.before = merge.into->m;
    merge.m = merge.before ? tl.maximum(merge.before, merge.from) : merge.from;
    merge.into->m = merge.m;
}

void weigh(tl::Context& tl, std::vector<Merge>& merges) {
    const auto each = [&](auto body) {
        for (Merge& merge : merges) {
            const tl::PhaseScope phase(tl, merge.where);
            if (merge.before) body(merge);
        }
    };
    for (std::size_t i = merges.size(); i-- > 1;) {
        Merge &last = merges[i], &one = merges[i - 1];
        if (!last.before || !one.before || last.into != one.into) continue;
        last.further = true;
        one.m = last.m;
    }
    each([&](Merge& merge) {
        if (!merge.further) merge.a = merge.before - merge.m;
        merge.b = merge.from - merge.m;
    });
    each([&](Merge& merge) {
        if (!merge.further) merge.a = tl.exp2(merge.a);
        merge.b = tl.exp2(merge.b);
    });
}

void scale(tl::Context& tl, Merge& merge) {
    if (!merge.before || merge.further || merge.o) return;
    const tl::PhaseScope phase(tl, merge.where);
    merge.o = merge.into->o * merge.a;
    merge.l = merge.into->l * merge.a;
}

void add_up(tl::Context& tl, Merge& merge) {
    if (!merge.from) return;
    State& into = *merge.into;
    const State& other = *merge.other;
    if (!merge.before) {
        into.l = other.l;
        into.o = other.o;
        return;
    }
    scale(tl, merge);
    const tl::PhaseScope phase(tl, merge.where);
    const Dtype kept = into.o.dtype();
    if (!merge.further) {
        into.l = std::exchange(merge.l, Tile());
        into.o = std::exchange(merge.o, Tile());
    }
    into.l = tl.fma(other.l, merge.b, into.l);
    into.o = kept_as(tl, tl.fma(other.o, merge.b, into.o), kept);
}

std::vector<Result> finish(tl::Context& tl, const std::vector<Finished>& all, const attention::Problem& problem) {
    // l is 0 exactly where no key was visible (else the maximum itself contributes 1); o is 0 there too and stays 0
    // over the smallest divisor, and log 0 is -inf.
    const Dtype dtype = problem.output_dtype();
    const double value_scale = problem.scales.v;
    std::vector<Result> results(all.size());
    std::vector<Tile> l(all.size()), log_l(all.size());
    const auto each = [&](auto body) {
        for (std::size_t i = 0; i < all.size(); ++i)
            if (!all[i].sink) body(i, *all[i].state);
    };
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i].sink) results[i] = finish(tl, *all[i].state, problem, all[i].sink);
    each([&](std::size_t i, const State& state) { l[i] = divisor(tl, state, value_scale); });
    // The logarithm while the divisor is on its way, as in weigh().
    each([&](std::size_t i, const State& state) { log_l[i] = tl.log(state.l); });
    each([&](std::size_t i, const State& state) { results[i].o = state.o / std::exchange(l[i], Tile()); });
    each([&](std::size_t i, const State& state) {
        results[i].lse = tl.fma(state.m, static_cast<float>(std::numbers::ln2), std::exchange(log_l[i], Tile()));
    });
    each([&](std::size_t i, const State&) { results[i].o = tl.cast(results[i].o, dtype); });
    return results;
}

Result finish(tl::Context& tl, const State& state, const attention::Problem& problem, const Tile& sink) {
    if (!sink) return finish(tl, {{&state, {}}}, problem).front();
    const Dtype dtype = problem.output_dtype();
    const double value_scale = problem.scales.v;
    const Tile m = tl.maximum(state.m, sink);
    Tile a = tl.exp2(state.m - m);
    const Tile l = tl.fma(state.l, a, tl.exp2(sink - m));
    if (value_scale != 1.0) a = a * static_cast<float>(value_scale);
    Result result;
    result.o = tl.cast(state.o * (a / tl.maximum(l, std::numeric_limits<float>::min())), dtype);
    result.lse = tl.fma(m, static_cast<float>(std::numbers::ln2), tl.log(l));
    return result;
}

Tile normalised_output(tl::Context& tl, const State& state) {
    return kept_as(tl, state.o / divisor(tl, state), state.o.dtype());
}

Tile log_sum_exp(tl::Context& tl, const State& state) {
    return tl.fma(tl.log(state.l), static_cast<float>(std::numbers::log2e), state.m);
}

Normalised normalised(tl::Context& tl, const State& state) {
    Tile out = normalised_output(tl, state);
    return {std::move(out), log_sum_exp(tl, state)};
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
