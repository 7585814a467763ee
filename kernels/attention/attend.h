// SPDX-License-Identifier: Apache-2.0
// The inner part that every kernel shares: attend a block of queries to a block of keys and values, updating the
// running (m, l, o). Online softmax (Milakov and Gimelshein 2018; FlashAttention, Dao et al. 2022) with base-2
// exponentials: m is the running maximum of the scores (scaled, capped and biased) times log2(e), l the sum of
// 2^(score - m), o the unnormalised output; all three in f32.
#pragma once

#include "kernels/attention/phases.h"
#include "kernels/attention/score_terms.h"
#include "sim/attention/kernel.h"
#include "sim/attention/problem.h"
#include "sim/base/ring_queue.h"
#include "sim/tile/context.h"
#include "sim/tile/repetition.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace tilemesh::kernels {

/// The running maximum starts here instead of at -inf: then rows that have seen no key yet need no special case,
/// since 2^(-inf - lowest) is 0 and lowest - lowest is 0. No finite score is below it; a difference that overflows is
/// -inf, of which the exponential is 0 as it should be.
inline constexpr float lowest_score = -std::numeric_limits<float>::max();

/// Probabilities that become 8-bit floats are held times 2^7, and l and o with them, by a maximum that is 7 less than
/// the true one: so small ones keep more of their digits, at no cost but a column's subtraction. Not times 2^8: where
/// the last place of a maximum is 16, it would be half of that and might be rounded to 16, and 2^16 is beyond an
/// 8-bit float; 7 is rounded to 0, 6, 7 or 8 at any maximum.
inline constexpr float fp8_probability_exponent = 7.0F;

/// Steps of a softmax: the commands of each wait for those of the one before.
inline constexpr int softmax_steps = 7;

/// The running result of one query block. Empty tiles: nothing was attended yet (m = -inf, l = 0, o = 0).
struct State {
    Tile m;  // [heads, rows, 1]
    Tile l;  // [heads, rows, 1]
    Tile o;  // [heads, rows, value_dim]; f32 unless a panel asks for less, and then rounded after every block
    explicit operator bool() const { return static_cast<bool>(m); }
};

/// One block to attend: q [heads, rows, head_dim], k [heads, keys, head_dim], v [heads, keys, value_dim].
struct Block {
    Tile q, k, v;
    std::function<Tile()> bring_v{};  // where v is not given: called one block before it is needed
    State* state = nullptr;
    Where where;
    double keys = 0;  // when they would be here, and when the values of the block could begin (timeline.h: weighed)
    double weighed = std::numeric_limits<double>::infinity();
    Tile mask;                   // element mask [1 or heads, rows, keys]; none: all visible
    ScoreTerms terms;            // added to the scores
    std::function<void()> done;  // called when the block has been issued in full (the state's last block: store it)
    Effort* effort = nullptr;    // where what it asks of engines is added up; null: nowhere (repeats.h)
};

/// Issues blocks so that matrix and vector engine work at once. A block goes through three stages: scores (matrix),
/// softmax (vector), values (matrix, after a small vector correction of o). Each call issues the scores of its block,
/// the softmax of the block before (of the one before that where there are more than two stages) and the values of
/// the one `stages` before; so no engine stands before a result that another is still making, not even for the time a
/// systolic array takes to drain. But engines work in order: values that could begin before the keys of the next
/// block are here go before its scores.
///
/// `apart`: products with values begin from nothing and are added to the corrected o a call later. No product waits
/// for another then, nor for the softmax between. Where a state is to be complete at once the vector engine would
/// wait for them: there they begin from the corrected o.
class Attention {
public:
    /// `problem` as kernels are given it, with the scale of stored elements. `state`: what the running o is kept in.
    Attention(tl::Context& tl, const attention::Problem& problem, Dtype state = Dtype::f32,
              const attention::Tiling& tiling = {});
    void attend(std::unique_ptr<Block> block);
    /// Issues what is still held back of the blocks of one state; others stay on their way.
    void complete(const State& state);
    /// Issues all that is still held back.
    void flush();

private:
    /// A block on its way, with what its last stage has made. It stays where it is, for it is large.
    struct Stage {
        std::unique_ptr<Block> block;
        Tile tile;             // scores, then probabilities, then their product with the values
        Tile correction = {};  // of the old o; none for the first block of a state
        // The softmax: the scores, their maximum and that of the state before them, p and its sum.
        int step = 0;  // the next
        Tile scores{}, before{}, m{}, change{}, p{}, sum{};
    };
    using OneStage = std::unique_ptr<Stage>;
    using Stages = RingQueue<OneStage>;
    Tile scores_of(const Block& block);
    /// The commands of a step wait for those of the step before.
    void next_step(Stage& stage);
    void softmax(Stage& stage);
    /// The next one begins, and all that are under way go on until one more may.
    void softmaxes();
    void values(OneStage stage, bool apart);
    void add(Stage& stage);
    /// Of the block that is furthest.
    void first_values();
    /// Of all states when `only` is null.
    void issue_held_back(const State* only);

    tl::Context& tl_;
    const attention::Problem& problem_;
    float log2_scale_;  // unit of the scores * log2(e)
    Dtype probability_;
    Dtype state_;
    std::size_t stages_, ahead_;
    int pace_;
    bool apart_;
    Stages scored_, softmaxes_, weighted_, summed_;
};

/// A partial result as it may travel: o / l (0 where nothing was visible) in the dtype of o, and the base-2
/// log-sum-exp m + log2 l (-inf there).
struct Normalised {
    Tile out;
    Tile lse;
};
Normalised normalised(tl::Context& tl, const State& state);
/// Its parts.
Tile normalised_output(tl::Context& tl, const State& state);
Tile log_sum_exp(tl::Context& tl, const State& state);
/// The same result as a state again: out with m = lse and l = 1 (l = 0 where nothing was visible). Merging such
/// states is the merge by log-sum-exp: the weights are 2^(lse - max), and dividing by l at the end makes them 2^(lse
/// - lse of all).
State state_of(tl::Context& tl, const Normalised& result);

/// A merge of the partial result `other` into `into` (both unnormalised, base 2); an empty side leaves the other.
struct Merge {
    State* into = nullptr;
    const State* other = nullptr;
    Where where;
    // Maxima: of `into` (none: the merge is a copy), of `other` (none: nothing to merge), of both.
    Tile before, from, m;
    Tile a, b;             // what the two sides are multiplied by
    Tile l, o;             // of `into`, times that, where they are made already
    bool further = false;  // the merge before it is into the same state: what is there is multiplied for all at once
};
/// The first of three parts of a merge: m of `into`, which needs m of `other` alone.
void take_maximum(tl::Context& tl, Merge& merge);
/// What both sides are multiplied by. Side by side, because the few commands of one merge wait for each other.
void weigh(tl::Context& tl, std::vector<Merge>& merges);
/// What is there, times that; of several into one state not before those before it are added up.
void scale(tl::Context& tl, Merge& merge);
/// What is left.
void add_up(tl::Context& tl, Merge& merge);

/// What a finished state means: the output o / l times the scale of v, in the problem's output dtype (0 where nothing
/// was visible), and the natural log-sum-exp (m + log2 l) ln 2 (-inf there). `sink` (times log2(e); [heads, rows, 1],
/// or [1, 1, 1]; none: no sink) is one more score whose value is 0: it is counted here, once, whatever states were
/// merged before.
struct Result {
    Tile o;
    Tile lse;
};
struct Finished {
    const State* state = nullptr;
    Tile sink;
};
/// Of several side by side, because the few commands of one wait for each other.
std::vector<Result> finish(tl::Context& tl, const std::vector<Finished>& all, const attention::Problem& problem);
Result finish(tl::Context& tl, const State& state, const attention::Problem& problem, const Tile& sink = {});
/// The result of a block that saw no key at all.
Result nothing_visible(tl::Context& tl, Shape output, Dtype dtype, const Tile& sink = {});

}  // namespace tilemesh::kernels
