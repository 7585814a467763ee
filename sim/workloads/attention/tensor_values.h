// SPDX-License-Identifier: Apache-2.0
// Where the problem's values are in the tensors of a PE, and filling those from the inputs: rows of a kv head
// together (token by token, within a token by query head), tokens as the sharding deals them. What tensors there are
// is layout.h.
#pragma once

#include "sim/attention/inputs.h"
#include "sim/attention/need_sets.h"
#include "sim/attention/reference.h"
#include "sim/tile/tensor.h"
#include "sim/workloads/attention/layout.h"

#include <functional>
#include <optional>
#include <span>

namespace tilemesh::workloads {

/// Rows of the queries of one rank, for kv heads from `first_head` on, and where they are in the problem.
struct RowMap {
    std::int64_t group;
    const attention::Tokens* tokens;
    std::int64_t first_head;
    std::int64_t rows() const { return tokens->size() * group; }
    attention::Row row_of(std::int64_t flat) const {
        const std::int64_t head = flat / rows(), in_head = flat % rows();
        return {tokens->at(in_head / group), (first_head + head) * group + in_head % group};
    }
    /// Nothing when the row belongs to another rank or to heads outside of `heads`.
    std::optional<std::int64_t> flat_of(const attention::Row& row, attention::Range heads) const {
        const std::int64_t head = row.head / group;
        if (head < heads.begin || head >= heads.end) return {};
        const auto local = tokens->local_of(row.query);
        if (!local) return {};
        return (head - first_head) * rows() + *local * group + row.head % group;
    }
};

/// Fills rows of a tensor of queries one by one.
InputValues row_values(RowMap map, std::int64_t dim,
                       std::function<void(const attention::Row& row, std::span<float> out)> read);
/// q or the gradient of the output.
InputValues query_values(const attention::Inputs& inputs, int user, attention::TensorName name, RowMap map,
                         std::int64_t dim);
InputValues key_values(const attention::Inputs& inputs, int user, attention::TensorName name, attention::Range heads,
                       const attention::Tokens& tokens, std::int64_t dim);
/// The bias of every key, rank by rank, divided by the unit of the scores.
InputValues bias_values(const attention::Problem& problem, const attention::NeedSets& needs, int user);
/// A number per query head [kv heads, query heads of each, 1].
InputValues head_values(attention::Range heads, std::int64_t group, int user,
                        std::function<double(attention::Viewer)> number);
/// The biases per pair of the rows of `map` (of group 1 when all heads share them) and every key, rank by rank,
/// divided by the unit of the scores.
InputValues pair_bias_values(const attention::Problem& problem, const attention::NeedSets& needs, int user,
                             RowMap map);
/// Rows of `map` and `heads` that are in the sample; null: all.
RowSet sampled_rows(const RowSample& sample, const RowMap& map, attention::Range heads, int user);

}  // namespace tilemesh::workloads
