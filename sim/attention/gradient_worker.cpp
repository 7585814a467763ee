// SPDX-License-Identifier: Apache-2.0
// The passage of a batch over the other side, tile by tile. Tiles of which the mask hides everything are not read.
#include "sim/attention/gradient_worker.h"

#include "sim/attention/biases.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tilemesh::attention {
namespace {

std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

double squared(std::span<const double> vector) {
    double squares = 0.0;
    for (const double value : vector) squares += value * value;
    return squares;
}

/// Calls use(range) for the tiles of [0, tokens).
template <class Use>
void for_each_tile(std::int64_t tokens, const Use& use) {
    for (std::int64_t begin = 0; begin < tokens; begin += PairSums::tile_items) {
        use(Range{begin, std::min(begin + PairSums::tile_items, tokens)});
    }
}

}  // namespace

GradientWorker::GradientWorker(const Problem& problem, const Inputs& inputs, int user, const ForwardTerms& forward,
                               bool for_keys)
    : problem_(problem),
      inputs_(inputs),
      user_(user),
      sizes_(problem.users[index(user)]),
      forward_(forward),
      biased_(has_biases(*problem.mask)),
      sums_(problem.head_dim, problem.value_dim, for_keys),
      for_keys_(for_keys),
      rounding_(gradient_rounding_of(problem)),
      digits_beyond_(digits_beyond(problem.output_dtype())),
      score_size_(size_noise(problem.head_dim)),
      value_size_(size_noise(problem.value_dim)) {}

void GradientWorker::rows(const GradientBatch& batch, std::span<double> dq, std::span<double> unit_dq) {
    begin(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto row = static_cast<std::int64_t>(i);
        norms_[i] = {read(TensorName::q, batch[i].token, batch[i].head, problem_.scale, sums_.row_a(row)),
                     read(TensorName::d_o, batch[i].token, batch[i].head, 1.0, sums_.row_b(row))};
    }
    const std::int64_t kv_head = batch.front().head / problem_.group();
    const AlikeItems& alike = alike_keys(kv_head);
    for_each_tile(sizes_.keys, [&](Range keys) {
        const auto meeting_of = [&](const GradientItem& item) {
            return Meeting{item.head, {item.token, item.token + 1}, keys};
        };
        meet(batch, keys.size(), meeting_of, [&](std::int64_t item) {
            item_norms_[index(item)] = {read(TensorName::k, keys.begin + item, kv_head, 1.0, sums_.item_a(item)),
                                        read(TensorName::v, keys.begin + item, kv_head, 1.0, sums_.item_b(item)),
                                        alike.a.product(keys.begin + item)};
        });
    });
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const std::span<const double> sum = sums_.sum_a(static_cast<std::int64_t>(i));
        const std::span<double> out = dq.subspan(index(batch[i].output) * sum.size(), sum.size());
        for (std::size_t c = 0; c < sum.size(); ++c) out[c] = problem_.scale * sum[c];
        const std::size_t row = index(batch[i].head * sizes_.queries + batch[i].token);
        // What is common to the row: l moves all of dq, D moves all ds by p.
        SumMoments& moments = a_moments_[i];
        moments.error += forward_.d_noise[row] * moments.common;
        unit_dq[index(batch[i].output)] =
            unit_of(moments, rounding_.ds, problem_.scale, out, problem_.output_dtype()) +
            noise_of_row(row) * squared(out);
    }
}

void GradientWorker::keys(const GradientBatch& batch, std::span<double> dk, std::span<double> dv,
                          std::span<double> unit_dk, std::span<double> unit_dv) {
    begin(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto row = static_cast<std::int64_t>(i);
        norms_[i] = {read(TensorName::k, batch[i].token, batch[i].head, 1.0, sums_.row_a(row)),
                     read(TensorName::v, batch[i].token, batch[i].head, 1.0, sums_.row_b(row))};
    }
    const std::int64_t first_head = batch.front().head * problem_.group();
    for (std::int64_t head = first_head; head < first_head + problem_.group(); ++head) {
        const AlikeItems& alike = alike_queries(head);
        for_each_tile(sizes_.queries, [&](Range queries) {
            const auto meeting_of = [&](const GradientItem& item) {
                return Meeting{head, queries, {item.token, item.token + 1}};
            };
            meet(batch, queries.size(), meeting_of, [&](std::int64_t item) {
                // The scale of the scores is also the scale of dk, which sums these vectors.
                item_norms_[index(item)] = {
                    read(TensorName::q, queries.begin + item, head, problem_.scale, sums_.item_a(item)),
                    read(TensorName::d_o, queries.begin + item, head, 1.0, sums_.item_b(item)),
                    square(problem_.scale) * alike.a.product(queries.begin + item),
                    alike.b.product(queries.begin + item)};
            });
        });
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto store = [&](std::span<const double> sum, std::span<double> out, const SumMoments& moments,
                               const Rounding& weights, std::span<double> unit) {
            std::copy(sum.begin(), sum.end(), out.subspan(index(batch[i].output) * sum.size()).begin());
            unit[index(batch[i].output)] = unit_of(moments, weights, 1.0, sum, problem_.output_dtype());
        };
        store(sums_.sum_a(static_cast<std::int64_t>(i)), dk, a_moments_[i], rounding_.ds, unit_dk);
        store(sums_.sum_b(static_cast<std::int64_t>(i)), dv, b_moments_[i], rounding_.p, unit_dv);
    }
}

void GradientWorker::begin(std::size_t items) {
    sums_.reset();
    norms_.assign(items, {});
    item_norms_.resize(index(PairSums::tile_items));
    a_moments_.assign(items, {});
    b_moments_.assign(items, {});
}

/// Returns the norm of what it has read.
double GradientWorker::read(TensorName tensor, std::int64_t token, std::int64_t head, double factor,
                            std::span<double> out) {
    stored_.resize(out.size());
    inputs_.read_head(user_, tensor, {token, token + 1}, head, stored_);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = factor * static_cast<double>(stored_[i]);
    return std::sqrt(squared(out));
}

/// The batch meets one tile of `items`, which is read only if the mask shows something of it.
template <class MeetingOf, class ReadItem>
void GradientWorker::meet(const GradientBatch& batch, std::int64_t items, const MeetingOf& meeting_of,
                          const ReadItem& read_item) {
    visible_.clear();
    for (const GradientItem& item : batch) visible_.push_back(visible(meeting_of(item)));
    Range rows{0, static_cast<std::int64_t>(batch.size())};
    while (!rows.empty() && visible_[index(rows.begin)] == Visible::none) ++rows.begin;
    while (!rows.empty() && visible_[index(rows.end - 1)] == Visible::none) --rows.end;
    if (rows.empty()) return;
    for (std::int64_t item = 0; item < items; ++item) read_item(item);
    sums_.meet(rows.begin, rows.end, items, [&](std::int64_t row, std::span<double> scores, std::span<double> dp) {
        weigh(meeting_of(batch[index(row)]), index(row), visible_[index(row)], scores, dp);
    });
}

/// Replaces scores q.k by the weights of q and k (ds, through the cap when there is one), and products do.v by p, the
/// weights of do.
void GradientWorker::weigh(const Meeting& meeting, std::size_t number, Visible visible, std::span<double> scores,
                           std::span<double> dp) {
    const bool one_query = meeting.queries.size() == 1;
    const double cap = problem_.soft_cap;
    std::array<double, PairSums::tile_items> biases{}, roundings{};
    if (biased_)
        add_biases_of(meeting, std::span(biases).first(scores.size()), std::span(roundings).first(scores.size()));
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const auto other = static_cast<std::int64_t>(i);
        const std::int64_t query = meeting.queries.begin + (one_query ? 0 : other);
        const std::int64_t key = meeting.keys.begin + (one_query ? other : 0);
        const std::size_t row = index(meeting.head * sizes_.queries + query);
        const bool seen = visible == Visible::all || (visible == Visible::some && sees(meeting.head, query, key));
        Pair pair{.steps = {.norms = norms_[number].a * item_norms_[i].a, .product = scores[i], .capped = scores[i]},
                  .dp = dp[i]};
        scores[i] = dp[i] = 0.0;
        if (!seen || !(forward_.sum[row] > 0.0)) continue;
        if (cap > 0.0) {
            const double bent = std::tanh(pair.steps.product / cap);
            pair.steps.slope = 1.0 - bent * bent;
            pair.steps.capped = cap * bent;
        }
        pair.steps.score = pair.steps.capped + biases[i];
        pair.steps.biases = roundings[i];
        pair.p = std::exp(pair.steps.score - forward_.maximum[row]) / forward_.sum[row];
        if (pair.p == 0.0) continue;
        pair.ds = pair.p * (pair.dp - forward_.d[row]) * pair.steps.slope;
        analyse(number, row, item_norms_[i], pair);
        scores[i] = pair.ds;
        dp[i] = pair.p;
    }
}

void GradientWorker::add_biases_of(const Meeting& meeting, std::span<double> biases,
                                   std::span<double> roundings) const {
    const Viewer viewer{user_, meeting.head};
    const std::int64_t first = sizes_.query_offset + meeting.queries.begin;
    if (meeting.queries.size() == 1)
        return add_biases(*problem_.mask, viewer, first, meeting.keys, biases, roundings);
    for (std::size_t i = 0; i < biases.size(); ++i)
        add_biases(*problem_.mask, viewer, first + static_cast<std::int64_t>(i), meeting.keys, biases.subspan(i, 1),
                   roundings.subspan(i, 1));
}

double GradientWorker::noise_of_row(std::size_t row) const {
    return 16 * square(f32_unit) + score_size_ * square(forward_.maximum[row]);
}

void GradientWorker::analyse(std::size_t number, std::size_t row, const Norms& item, const Pair& pair) {
    const ScoreSteps& steps = pair.steps;
    const double value_product = norms_[number].b * item.b;  // |do| |v|
    const double score = score_noise(steps, score_size_);
    // Kernels hold dp times 2^-15.
    const double value =
        product_noise * square(value_product) + value_size_ * square(pair.dp) + square(0x1p15 * 0x1p-149) / 12;
    const double a2 = square(item.a), p2 = square(pair.p), ds2 = square(pair.ds), moved = p2 * square(steps.slope);
    const auto error = [&](const Rounding& rounding, double squared_weight) {
        return (square(rounding.relative) + score) * squared_weight + square(rounding.spacing) / 12;
    };
    double of_ds = error(rounding_.ds, ds2) + moved * value;
    if (steps.slope < 1.0) {
        // 1 - tanh^2 errs by some units whatever is left of it.
        const double before = pair.p * (pair.dp - forward_.d[row]);
        const double bend = 2 * steps.capped / square(problem_.soft_cap);
        of_ds += square(before) * (64 * square(f32_unit) + square(bend) * score);
    }
    if (for_keys_) of_ds += noise_of_row(row) * ds2 + moved * forward_.d_noise[row];
    SumMoments& a = a_moments_[number];
    const double size = std::abs(pair.ds) * item.a;
    a.error += of_ds * a2;
    a.alike += of_ds * item.alike_a;
    a.sizes += size;
    const bool flushed = pair.p * forward_.sum[row] < least_exponential;
    if (flushed || std::abs(pair.ds) < 0.5 * rounding_.ds.spacing) {
        a.lost += size;
        a.lost_squares += square(size);
    }
    const double shift = pair.p * bias_noise * steps.biases;
    a.weights += pair.p;
    a.shift += shift;
    a.terms += ds2 * a2;
    a.common += pair.p * steps.slope * a2;
    a.number += 1.0;
    if (!for_keys_) return;
    SumMoments& b = b_moments_[number];
    const double b2 = square(item.b);
    const double of_p = error(rounding_.p, p2) + noise_of_row(row) * p2;
    b.error += of_p * b2;
    b.alike += of_p * item.alike_b;
    b.terms += p2 * b2;
    b.sizes += pair.p * item.b;
    if (flushed || pair.p < 0.5 * rounding_.p.spacing) {
        b.lost += pair.p * item.b;
        b.lost_squares += p2 * b2;
    }
    b.weights += pair.p;
    b.shift += shift;
    b.squares += p2;
    b.rounded += rounded_at(digits_beyond_, pair.p) - pair.p;
    b.number += 1.0;
}

Visible GradientWorker::visible(const Meeting& meeting) const {
    const Range positions{sizes_.query_offset + meeting.queries.begin, sizes_.query_offset + meeting.queries.end};
    return problem_.mask->block({user_, meeting.head}, positions, meeting.keys);
}

bool GradientWorker::sees(std::int64_t head, std::int64_t query, std::int64_t key) const {
    return problem_.mask->sees({user_, head}, sizes_.query_offset + query, key);
}

}  // namespace tilemesh::attention
