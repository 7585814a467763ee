// SPDX-License-Identifier: Apache-2.0
// Attention with a running softmax: up to rows_per_batch() rows that share a kv head pass over the keys one tile at a
// time. Tiles of which the mask hides everything are skipped, and single pairs are asked about only in rows of which
// a tile is partly visible. Beside the results a worker sums what their errors are made of (error_model.h).
#pragma once

#include "sim/attention/alike.h"
#include "sim/attention/error_model.h"
#include "sim/attention/inputs.h"
#include "sim/attention/problem.h"
#include "sim/attention/reference.h"
#include "sim/attention/reference_arithmetic.h"

#include <cstdint>
#include <vector>

namespace tilemesh::attention {

/// Where a row's results go.
struct PlacedRow {
    Row row;
    std::int64_t output = 0;  // o at output * value_dim
    std::int64_t lse = 0;
};

/// Rows that are computed together; all read the same kv head and are sorted by query.
using Batch = std::vector<PlacedRow>;

/// How many rows a batch may have.
std::int64_t rows_per_batch(const Problem& problem);

/// One thread's buffers, and the passage of a batch through them.
class ReferenceWorker {
public:
    ReferenceWorker(const Problem& problem, const Inputs& inputs, int user, Reference& result);
    void compute(const Batch& batch);

private:
    std::int64_t position(const PlacedRow& row) const;
    Viewer viewer(const PlacedRow& row) const;
    void load_queries(const Batch& batch);
    Range rows_that_may_see(const Batch& batch, Range keys) const;
    Visible visible_to(const PlacedRow& row, Range keys) const;
    void find_alike(std::int64_t kv_head);
    void add_alike(std::int64_t i, Range keys, const double* weights);
    void pack_keys(Range keys, std::int64_t kv_head);
    void pack_values(Range keys, std::int64_t kv_head);
    void attend(const Batch& batch, Range rows, Range keys);
    void step(const PlacedRow& row, double query_norm, Range keys, double* scores);
    void hide(const PlacedRow& row, Range keys, double* scores) const;
    void store(const PlacedRow& row, std::int64_t i);

    const Problem& problem_;
    const Inputs& inputs_;
    const int user_;
    const User sizes_;
    Reference& result_;
    const ReferenceArithmetic arithmetic_ = reference_arithmetics().front();
    const bool biased_, stepped_;  // stepped: scores are more than products
    const std::int64_t value_columns_;
    const std::int64_t row_capacity_;
    std::vector<double> queries_, scores_, sums_;
    std::vector<RunningSoftmax> softmax_;
    const double lost_below_;  // a weight is rounded, or flushed, to 0
    const int digits_beyond_;
    std::vector<RowMoments> moments_;
    std::vector<double> query_norms_, key_norms_, value_norms_, noise_, bias_roundings_;
    std::int64_t alike_head_ = -1;  // of which kv head:
    AlikeTokens alike_;
    std::vector<float> stored_;
    std::vector<double> packed_keys_, packed_values_;
};

}  // namespace tilemesh::attention
