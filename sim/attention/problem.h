// SPDX-License-Identifier: Apache-2.0
// The attention problem: shapes, mask, users. q is [queries, heads_q, head_dim], k [keys, heads_kv, head_dim],
// v [keys, heads_kv, value_dim] (none with latents), o [queries, heads_q, value_dim], lse [heads_q, queries]; one set
// per user. Query head h reads kv head h / group() (grouped-query attention).
#pragma once

#include "sim/attention/head_numbers.h"
#include "sim/attention/mask.h"
#include "sim/attention/pages.h"
#include "sim/base/dtype.h"
#include "sim/base/json_reader.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::attention {

/// One independent sequence. Either count may be 0: no keys, and every row of the output is 0; no queries, no rows.
struct User {
    std::int64_t keys = 0;
    std::int64_t queries = 0;
    std::int64_t query_offset = 0;  // position of query 0; negative: before the first key
    Range shared_keys{};            // that every rank has: they are neither dealt nor sent

    Range query_positions() const { return {query_offset, query_offset + queries}; }
    Range key_positions() const { return {0, keys}; }
};

/// What a stored element of q, k and v is multiplied by to give its value.
struct InputScales {
    double q = 1.0, k = 1.0, v = 1.0;
};

struct Problem {
    std::int64_t heads_q = 1;
    std::int64_t heads_kv = 1;
    std::int64_t head_dim = 1;
    std::int64_t value_dim = 1;
    bool latents = false;                    // v is the first value_dim elements of k: one tensor, read and sent once
    Dtype dtype = Dtype::f16;                // storage of q, k and v
    InputScales scales;                      // other than 1 only for 8-bit floats
    std::optional<Dtype> probability_dtype;  // of p as a matrix operand; see probability()
    double scale = 1.0;                      // scores are scale * q.k; positive
    std::vector<User> users;
    std::shared_ptr<const Mask> mask = full_mask();
    double soft_cap = 0.0;                    // positive: scores are soft_cap * tanh(scale * q.k / soft_cap)
    HeadNumbers sinks;                        // one more score per query head, whose value is 0; empty: none
    std::optional<LseGradient> lse_gradient;  // comes into a backward pass beside the gradient of o
    std::shared_ptr<const Pages> pages;       // where K and V lie in HBM; null: contiguously

    /// Elements of a key with its value, of one kv head: of a chunk, and of its gradient.
    std::int64_t key_columns() const { return latents ? head_dim : head_dim + value_dim; }
    std::int64_t group() const { return heads_q / heads_kv; }
    /// What a unit of the scores is that kernels add biases to and take exponentials of: soft_cap, else scale.
    double score_unit() const { return soft_cap > 0.0 ? soft_cap : scale; }
    /// -inf: there is none.
    float sink(int user, std::int64_t query_head) const;
    /// What p is rounded to as a matrix operand, and what outputs and gradients are stored in: the storage type, but
    /// f16 for 8-bit floats, unless probability_dtype says otherwise of p.
    Dtype probability() const { return probability_dtype.value_or(output_dtype()); }
    Dtype output_dtype() const { return is_fp8(dtype) ? Dtype::f16 : dtype; }
    /// The same problem with a scale that fits stored elements of q and k instead of their values: what kernels are
    /// given. Its scales are the same.
    Problem as_stored() const {
        Problem stored = *this;
        stored.scale *= scales.q * scales.k;
        return stored;
    }
    /// The query heads that read these kv heads.
    Range query_heads(Range kv_heads) const { return {kv_heads.begin * group(), kv_heads.end * group()}; }
};

/// Where masks find tensors that belong to the problem: the panel's inputs.
struct MaskSources {
    NamedFile inputs;    // a safetensors file; empty: the panel names none
    std::string prefix;  // of its tensors' names
};

/// Reads {"heads_q", "heads_kv", "head_dim", "value_dim", "latents", "dtype", "scales", "probability_dtype", "scale",
/// "users", "mask", "soft_cap", "sink", "lse_gradient", "pages"}; checks everything. Defaults: heads_kv = heads_q,
/// value_dim = head_dim, dtype f16, scale head_dim^-1/2, mask full; a user's queries = keys, and query_offset = keys
/// - queries (the queries are the last tokens, so with more queries than keys the first of them come before all keys)
/// under a causal mask, else 0. Masks, sinks, gradients and pages may read tensors that belong to the problem from
/// `sources`, the panel's inputs.
Problem read_problem(JsonReader reader, const MaskSources& sources = {});

/// (query, key) pairs that the mask lets through, over all users and all query heads; exact up to 2^53.
double visible_pairs(const Problem& problem);

/// Floating-point operations of the two products over visible pairs: 2 (head_dim + value_dim) per visible pair.
double flops(const Problem& problem);

}  // namespace tilemesh::attention
