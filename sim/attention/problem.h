// SPDX-License-Identifier: Apache-2.0
// The attention problem: shapes, mask, users. q is [queries, heads_q, head_dim], k [keys, heads_kv, head_dim],
// v [keys, heads_kv, value_dim] (none with latents), o [queries, heads_q, value_dim], lse [heads_q, queries]; one set
// per user. Query head h reads kv head h / group() (grouped-query attention).
#pragma once

#include "sim/attention/head_numbers.h"
#include "sim/attention/mask.h"
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

struct Problem {
    std::int64_t heads_q = 1;
    std::int64_t heads_kv = 1;
    std::int64_t head_dim = 1;
    std::int64_t value_dim = 1;
    bool latents = false;  // v is the first value_dim elements of k: one tensor, read and sent once
    Dtype dtype = Dtype::f16;
    double scale = 1.0;  // scores are scale * q.k; positive
    std::vector<User> users;
    std::shared_ptr<const Mask> mask = full_mask();
    double soft_cap = 0.0;                    // positive: scores are soft_cap * tanh(scale * q.k / soft_cap)
    HeadNumbers sinks;                        // one more score per query head, whose value is 0; empty: none
    std::optional<LseGradient> lse_gradient;  // comes into a backward pass beside the gradient of o

    /// Elements of a key with its value, of one kv head: of a chunk, and of its gradient.
    std::int64_t key_columns() const { return latents ? head_dim : head_dim + value_dim; }
    std::int64_t group() const { return heads_q / heads_kv; }
    /// What a unit of the scores is that kernels add biases to and take exponentials of: soft_cap, else scale.
    double score_unit() const { return soft_cap > 0.0 ? soft_cap : scale; }
    /// -inf: there is none.
    float sink(int user, std::int64_t query_head) const;
    /// The query heads that read these kv heads.
    Range query_heads(Range kv_heads) const { return {kv_heads.begin * group(), kv_heads.end * group()}; }
};

/// Where masks find tensors that belong to the problem: the panel's inputs.
struct MaskSources {
    std::filesystem::path inputs;  // a safetensors file; empty: the panel names none
    std::string prefix;            // of its tensors' names
};

/// Reads {"heads_q", "heads_kv", "head_dim", "value_dim", "latents", "dtype", "scale", "users", "mask", "soft_cap",
/// "sink", "lse_gradient"}; checks everything. Defaults: heads_kv = heads_q, value_dim = head_dim, dtype f16, scale
/// head_dim^-1/2, mask full; a user's queries = keys, and query_offset = keys - queries (the queries are the last
/// tokens, so with more queries than keys the first of them come before all keys) under a causal mask, else 0. Masks,
/// sinks and gradients may read tensors that belong to the problem from `sources`, the panel's inputs.
Problem read_problem(JsonReader reader, const MaskSources& sources = {});

/// (query, key) pairs that the mask lets through, over all users and all query heads; exact up to 2^53.
double visible_pairs(const Problem& problem);

/// Floating-point operations of the two products over visible pairs: 2 (head_dim + value_dim) per visible pair.
double flops(const Problem& problem);

}  // namespace tilemesh::attention
