// SPDX-License-Identifier: Apache-2.0
// What visible pairs cost at least: the terms that both lower bounds (bounds.h) are made of.
#pragma once

#include "sim/attention/bounds.h"
#include "sim/attention/problem.h"
#include "sim/attention/schedule.h"

#include <algorithm>
#include <cstdint>

namespace tilemesh::attention {

/// Time of the matrix and of the vector engine of one PE; they run side by side.
struct Work {
    double matrix_ns = 0;
    double vector_ns = 0;
    double longer() const { return std::max(matrix_ns, vector_ns); }
    Work& operator+=(const Work& other) {
        matrix_ns += other.matrix_ns;
        vector_ns += other.vector_ns;
        return *this;
    }
};

/// `triples`: visible (query head, query, key); `rows`: (query head, query) whose maximum needs no comparison with
/// its first key. A backward pass makes five products where the forward pass makes two, has no maximum, and
/// multiplies once more per triple (p by dp - D).
Work work_of(double triples, double rows, const Problem& problem, const MachineRates& rates, Schedule::Pass pass);

/// f32 numbers of biases per pair, given the visible triples of all heads and of the first one.
double pair_bias_bytes(const Problem& problem, double triples, double triples_of_a_head);

/// Of a user's queries, how many see at least one of the keys, and of the keys, how many are seen; for the kv head of
/// which it is fewest.
std::int64_t queries_that_see(const Problem& problem, int user, const Run& queries, const Run& keys);
std::int64_t keys_that_are_seen(const Problem& problem, int user, const Run& queries, const Run& keys);

/// Of a strided shard no block of a periodic mask is known without asking pair by pair: what is seen of it is not
/// counted then.
bool unknown_without_pairs(const Problem& problem, const Tokens& chunk);

/// Tokens whose tensors must be moved.
struct Moved {
    std::int64_t queries = 0;     // read: they see some key
    std::int64_t keys = 0;        // read: some query sees them
    std::int64_t query_ends = 0;  // results written
    std::int64_t key_ends = 0;    // the same of a backward pass
};

/// Of so many kv heads: q, K and V read, o written; in a backward pass do, o, m and l read as well, dq, dk, dv
/// written.
double tensor_bytes(const Problem& problem, std::int64_t heads_kv, const Moved& moved, Schedule::Pass pass);

}  // namespace tilemesh::attention
