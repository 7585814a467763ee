// SPDX-License-Identifier: Apache-2.0
// The problem's tensors as they lie in the PEs' HBM: every member of a rank holds the rank's tokens of the heads it
// owns, rows of a kv head together (token by token, within a token by query head). And the way back: results from the
// PEs into the problem's own layout.
#pragma once

#include "sim/attention/inputs.h"
#include "sim/attention/item_map.h"
#include "sim/attention/reference.h"
#include "sim/machine/simulation.h"
#include "sim/workloads/attention/arrangement.h"

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace tilemesh::workloads {

/// Rows whose values are computed, per user: all of them, or a sample.
struct RowSample {
    bool all = true;
    std::vector<std::vector<attention::Row>> rows;  // by user, when not all; sorted by query, then head
};

/// `rows` distinct rows per user (all when there are no more), drawn by the seed.
RowSample draw_rows(const attention::Problem& problem, std::int64_t rows, std::uint64_t seed);

/// Makes a tensor in a PE's HBM; InputError when there is no room.
using Allocate = std::function<Tensor*(int pe, const SharedText& name, const Shape& shape, Dtype dtype)>;

/// Names of tensors that PEs have of other ranks' items, each made once for all PEs.
class ItemNames {
public:
    /// "k of chunk 3 of user 0", with the literal "k of ".
    const SharedText& of(std::string_view what, const attention::Item& item);

private:
    attention::ItemMap<std::vector<std::pair<std::string_view, SharedText>>> names_;
};

/// What a forward pass left of one user, as stored: a backward pass begins with it.
struct ForwardResult {
    std::vector<float> o;  // [queries, heads_q, value_dim]
    std::vector<float> m;  // [heads_q, queries]; maximum of scale log2(e) q.k, the lowest f32 without visible keys
    std::vector<float> l;  // [heads_q, queries]; sum of 2^(score - m), 0 without
};

/// Allocates everything one PE needs and fills in the launch. `forward`: by user, for a backward pass with values.
attention::Launch lay_out(const Allocate& allocate, ItemNames& names, const Arrangement& arrangement, int rank,
                          int member, const attention::Inputs* inputs, const RowSample& sample,
                          const std::vector<ForwardResult>* forward = nullptr);

/// Throws the InputError that laying everything out would throw, beginning with `where`, without making anything.
void check_room(const AttentionPanel& panel, const Arrangement& arrangement, const std::string& where);

/// One user's output in the reference's order: o [rows, value_dim], lse [rows] or [heads_q, queries]; and how often
/// each row was written.
struct Collected {
    std::vector<float> o, lse;
    std::vector<int> times_o, times_lse;
};
/// What the PEs of `ranks` (all, or one when every rank holds a copy) have written for `user`.
Collected collect(const AttentionPanel& panel, const Arrangement& arrangement,
                  const std::vector<std::vector<attention::Launch>>& launches, int user,
                  const std::vector<int>& ranks, const RowSample& sample);

}  // namespace tilemesh::workloads
