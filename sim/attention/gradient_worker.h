// SPDX-License-Identifier: Apache-2.0
// One thread's work in the f64 reference of the backward pass: a batch of rows passes over the keys (dq), or a batch
// of keys over the rows (dk, dv). Both are sums over pairs (pair_sums.h); here is who meets whom, with what weights.
#pragma once

#include "sim/attention/alike.h"
#include "sim/attention/error_model.h"
#include "sim/attention/inputs.h"
#include "sim/attention/pair_sums.h"
#include "sim/attention/problem.h"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace tilemesh::attention {

/// A query of a query head, or a key of a kv head, and where among the results its own go.
struct GradientItem {
    std::int64_t token = 0;
    std::int64_t head = 0;
    std::int64_t output = 0;
};

/// At most PairSums::row_capacity items that belong to one kv head.
using GradientBatch = std::vector<GradientItem>;

/// What rows have of the forward pass, [heads_q, queries]; only rows that are met need theirs.
struct ForwardTerms {
    std::span<const double> maximum,
        sum;                    // reference.h, with the sink; apart, so that p is right however large the scores are
    std::span<const double> d;  // D, less the gradient of lse
    std::span<const double> d_noise;  // its squared error
};

class GradientWorker {
public:
    GradientWorker(const Problem& problem, const Inputs& inputs, int user, const ForwardTerms& forward,
                   bool for_keys);

    /// dq of a batch of rows, at output * head_dim, and its squared unit (error_model.h) at output.
    void rows(const GradientBatch& batch, std::span<double> dq, std::span<double> unit_dq);
    /// dk and dv of a batch of keys, at output * head_dim and output * value_dim, and their units. Only of a worker
    /// made for keys.
    void keys(const GradientBatch& batch, std::span<double> dk, std::span<double> dv, std::span<double> unit_dk,
              std::span<double> unit_dv);

private:
    /// One query with some keys, or one key with some queries (indices, not positions) of one query head.
    struct Meeting {
        std::int64_t head = 0;
        Range queries, keys;
    };

    void begin(std::size_t items);
    double read(TensorName tensor, std::int64_t token, std::int64_t head, double factor, std::span<double> out);
    template <class MeetingOf, class ReadItem>
    void meet(const GradientBatch& batch, std::int64_t items, const MeetingOf& meeting_of, const ReadItem& read_item);
    /// Vectors of the batch and of the tile: norms of q or k, of do or v.
    struct Norms {
        double a = 0.0, b = 0.0;
        double alike_a = 0.0, alike_b = 0.0;  // products of alike.h
    };
    /// By token of one head: keys, for the sum of k; or queries, for those of q and do.
    struct AlikeItems {
        AlikeTokens a, b;
    };
    const AlikeItems& alike_keys(std::int64_t kv_head);
    const AlikeItems& alike_queries(std::int64_t head);
    void append(TensorName tensor, std::int64_t token, std::int64_t head, std::vector<float>& to);
    void glance(TensorName tensor, std::int64_t token, std::int64_t head, std::vector<float>& to);
    void weigh(const Meeting& meeting, std::size_t number, Visible visible, std::span<double> scores,
               std::span<double> dp);
    /// One pair: its score, its p, and the two that make ds = p (dp - d) slope.
    struct Pair {
        ScoreSteps steps;
        double p = 0.0, dp = 0.0, ds = 0.0;
    };
    /// The squared error that all p of a row share: of m, which is a score as kernels have them, of l and 1 / l.
    double noise_of_row(std::size_t row) const;
    /// Takes one pair into the moments of the batch's item `number`.
    void analyse(std::size_t number, std::size_t row, const Norms& item, const Pair& pair);
    Visible visible(const Meeting& meeting) const;
    bool sees(std::int64_t head, std::int64_t query, std::int64_t key) const;
    /// Of the pairs of a meeting, in order.
    void add_biases_of(const Meeting& meeting, std::span<double> biases, std::span<double> roundings) const;

    const Problem& problem_;
    const Inputs& inputs_;
    const int user_;
    const User sizes_;
    const ForwardTerms forward_;
    const bool biased_;
    PairSums sums_;
    std::vector<Visible> visible_;
    const bool for_keys_;
    const GradientRounding rounding_;
    const int digits_beyond_;                // of p as an operand
    const double score_size_, value_size_;   // size_noise of the two products
    std::vector<Norms> norms_, item_norms_;  // of the batch, of the tile
    std::vector<SumMoments> a_moments_, b_moments_;
    std::map<std::int64_t, AlikeItems> alike_;  // by kv head, or by query head
    std::vector<float> stored_;
};

}  // namespace tilemesh::attention
