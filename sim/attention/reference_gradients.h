// SPDX-License-Identifier: Apache-2.0
// What the backward pass of attention should give, in f64, computed from the stored inputs (q, k, v and the gradient
// of the output) and nothing else; it stands beside reference.h and shares no arithmetic with the tile language or
// the kernels. With p = exp(scale q.k - lse) and D = sum of do * o of a row (Dao et al., FlashAttention, 2022):
//     dv += p do     ds = p (do.v - D + dlse)     dq += scale ds k     dk += scale ds q
// over the pairs that the mask shows; a kv head sums over the query heads of its group. dlse is the gradient of lse
// that comes in, if any; a cap multiplies ds by its slope, 1 - tanh^2; a sink has p = exp(sink - lse) and do.v = 0.
#pragma once

#include "sim/attention/inputs.h"
#include "sim/attention/problem.h"
#include "sim/attention/reference.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tilemesh::attention {

/// One key of one kv head.
struct Key {
    std::int64_t key = 0;
    std::int64_t head = 0;
    bool operator==(const Key&) const = default;
};

struct KeyGradients {
    std::vector<double> dk;  // [keys, head_dim], as listed; with latents dv is added to its first columns
    std::vector<double> dv;  // [keys, value_dim]; empty with latents
    std::vector<double> unit_dk = {}, unit_dv = {};  // squared units (error_model.h), [keys]
};

struct Gradients {
    std::vector<double> dq;     // [queries, heads_q, head_dim]
    std::vector<double> dk;     // [keys, heads_kv, head_dim]
    std::vector<double> dv;     // [keys, heads_kv, value_dim]; empty with latents, which have the gradient of k alone
    std::vector<double> dsink;  // [heads_q]; empty without sinks
    // Squared units (error_model.h), of every row of the four; of dsink every number.
    std::vector<double> unit_dq = {}, unit_dk = {}, unit_dv = {}, unit_dsink = {};
};

/// The gradients of one user's inputs, all of them or any few. Problem and inputs (which must hold the gradient of
/// the output) must outlive it. What a row needs of the forward pass (maximum, sum, D) is computed when it is first
/// met, and kept.
class ReferenceGradients {
public:
    ReferenceGradients(const Problem& problem, const Inputs& inputs, int user, int threads = 1);

    /// dq of these rows, [rows, head_dim], and if wanted their squared units. A row passes over its keys twice.
    std::vector<double> gradient_rows(std::span<const Row> rows, std::vector<double>* units = nullptr);
    /// dk and dv of these keys. Every query that sees one of them must pass over all *its* keys first, so at a long
    /// context few keys cost as much as all rows of their group; under a causal mask late keys cost least.
    KeyGradients gradient_keys(std::span<const Key> keys);
    Gradients all();

private:
    std::size_t number_of(std::int64_t query, std::int64_t head) const;
    void settle(std::span<const Row> rows);
    std::vector<Row> rows_that_see(std::span<const Key> keys) const;

    const Problem& problem_;
    const Inputs& inputs_;
    const int user_;
    const int threads_;
    // [heads_q, queries], d less the gradient of lse; the maximum is nan until a row is settled
    std::vector<double> maximum_, sum_, d_, d_noise_;
};

}  // namespace tilemesh::attention
