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
      sums_(problem.head_dim, problem.value_dim, for_keys) {}

void GradientWorker::rows(const GradientBatch& batch, std::span<double> dq) {
    sums_.reset();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto row = static_cast<std::int64_t>(i);
        read(TensorName::q, batch[i].token, batch[i].head, problem_.scale, sums_.row_a(row));
        read(TensorName::d_o, batch[i].token, batch[i].head, 1.0, sums_.row_b(row));
    }
    const std::int64_t kv_head = batch.front().head / problem_.group();
    for_each_tile(sizes_.keys, [&](Range keys) {
        const auto meeting_of = [&](const GradientItem& item) {
            return Meeting{item.head, {item.token, item.token + 1}, keys};
        };
        meet(batch, keys.size(), meeting_of, [&](std::int64_t item) {
            read(TensorName::k, keys.begin + item, kv_head, 1.0, sums_.item_a(item));
            read(TensorName::v, keys.begin + item, kv_head, 1.0, sums_.item_b(item));
        });
    });
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const std::span<const double> sum = sums_.sum_a(static_cast<std::int64_t>(i));
        const std::span<double> out = dq.subspan(index(batch[i].output) * sum.size(), sum.size());
        for (std::size_t c = 0; c < sum.size(); ++c) out[c] = problem_.scale * sum[c];
    }
}

void GradientWorker::keys(const GradientBatch& batch, std::span<double> dk, std::span<double> dv) {
    sums_.reset();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto row = static_cast<std::int64_t>(i);
        read(TensorName::k, batch[i].token, batch[i].head, 1.0, sums_.row_a(row));
        read(TensorName::v, batch[i].token, batch[i].head, 1.0, sums_.row_b(row));
    }
    const std::int64_t first_head = batch.front().head * problem_.group();
    for (std::int64_t head = first_head; head < first_head + problem_.group(); ++head) {
        for_each_tile(sizes_.queries, [&](Range queries) {
            const auto meeting_of = [&](const GradientItem& item) {
                return Meeting{head, queries, {item.token, item.token + 1}};
            };
            meet(batch, queries.size(), meeting_of, [&](std::int64_t item) {
                // The scale of the scores is also the scale of dk, which sums these vectors.
                read(TensorName::q, queries.begin + item, head, problem_.scale, sums_.item_a(item));
                read(TensorName::d_o, queries.begin + item, head, 1.0, sums_.item_b(item));
            });
        });
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto store = [&](std::span<const double> sum, std::span<double> out) {
            std::copy(sum.begin(), sum.end(), out.subspan(index(batch[i].output) * sum.size()).begin());
        };
        store(sums_.sum_a(static_cast<std::int64_t>(i)), dk);
        store(sums_.sum_b(static_cast<std::int64_t>(i)), dv);
    }
}

void GradientWorker::read(TensorName tensor, std::int64_t token, std::int64_t head, double factor,
                          std::span<double> out) {
    stored_.resize(out.size());
    inputs_.read_head(user_, tensor, {token, token + 1}, head, stored_);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = factor * static_cast<double>(stored_[i]);
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
        weigh(meeting_of(batch[index(row)]), visible_[index(row)], scores, dp);
    });
}

/// Replaces scores q.k by the weights of q and k (ds, through the cap when there is one), and products do.v by p, the
/// weights of do.
void GradientWorker::weigh(const Meeting& meeting, Visible visible, std::span<double> scores,
                           std::span<double> dp) const {
    const bool one_query = meeting.queries.size() == 1;
    const double cap = problem_.soft_cap;
    std::array<double, PairSums::tile_items> biases{};
    if (biased_) add_biases_of(meeting, std::span(biases).first(scores.size()));
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const auto other = static_cast<std::int64_t>(i);
        const std::int64_t query = meeting.queries.begin + (one_query ? 0 : other);
        const std::int64_t key = meeting.keys.begin + (one_query ? other : 0);
        const std::size_t row = index(meeting.head * sizes_.queries + query);
        const bool seen = visible == Visible::all || (visible == Visible::some && sees(meeting.head, query, key));
        const double bent = cap > 0.0 ? std::tanh(scores[i] / cap) : 0.0;
        const double score = (cap > 0.0 ? cap * bent : scores[i]) + biases[i];
        const double p =
            seen && forward_.sum[row] > 0.0 ? std::exp(score - forward_.maximum[row]) / forward_.sum[row] : 0.0;
        scores[i] = p * (dp[i] - forward_.d[row]) * (1.0 - bent * bent);
        dp[i] = p;
    }
}

void GradientWorker::add_biases_of(const Meeting& meeting, std::span<double> biases) const {
    const Viewer viewer{user_, meeting.head};
    const std::int64_t first = sizes_.query_offset + meeting.queries.begin;
    if (meeting.queries.size() == 1) return add_biases(*problem_.mask, viewer, first, meeting.keys, biases);
    for (std::size_t i = 0; i < biases.size(); ++i)
        add_biases(*problem_.mask, viewer, first + static_cast<std::int64_t>(i), meeting.keys, biases.subspan(i, 1));
}

Visible GradientWorker::visible(const Meeting& meeting) const {
    const Range positions{sizes_.query_offset + meeting.queries.begin, sizes_.query_offset + meeting.queries.end};
    return problem_.mask->block({user_, meeting.head}, positions, meeting.keys);
}

bool GradientWorker::sees(std::int64_t head, std::int64_t query, std::int64_t key) const {
    return problem_.mask->sees({user_, head}, sizes_.query_offset + query, key);
}

}  // namespace tilemesh::attention
