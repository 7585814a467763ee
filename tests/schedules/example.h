// SPDX-License-Identifier: Apache-2.0
// Problems and numbers that the schedule tests share.
#pragma once

#include "kernels/schedules.h"
#include "sim/attention/rank_grid.h"
#include "sim/attention/traffic.h"
#include "sim/base/error.h"

#include <cstdint>
#include <vector>

namespace example {

using namespace tilemesh;
using namespace tilemesh::attention;

inline const std::vector<int> rank_counts{1, 2, 3, 4, 5, 6, 7, 8, 9, 16};

/// All dimensions differ, value_dim from head_dim too.
inline Problem problem(std::vector<User> users, std::shared_ptr<const Mask> mask = full_mask()) {
    Problem p;
    p.heads_q = 6;
    p.heads_kv = 2;
    p.head_dim = 24;
    p.value_dim = 40;
    p.users = std::move(users);
    p.mask = std::move(mask);
    return p;
}
inline Problem self_attention(std::int64_t tokens, std::shared_ptr<const Mask> mask = full_mask()) {
    return problem({{tokens, tokens, 0}}, std::move(mask));
}
inline Problem decode(std::int64_t keys) { return problem({{keys, 1, keys - 1}}, causal_mask()); }

/// A schedule for ranks 0, 1, 2, ... in a row.
using MakeSchedule = Schedule (*)(const NeedSets&, const RankGrid&);
inline Schedule in_a_row(MakeSchedule schedule, const NeedSets& needs) {
    return schedule(needs, line_of_ranks(needs.ranks()));
}

/// All keys of a rank's chunk, as local indices.
inline Ranges all_keys(const NeedSets& needs, int rank, int user = 0) { return {{0, needs.keys(user, rank).size()}}; }

/// Bytes of the K and V of one token, from the definition: both tensors, all kv heads, two bytes per element.
inline std::uint64_t token_bytes(const Problem& p) {
    return static_cast<std::uint64_t>(p.heads_kv * p.head_dim + p.heads_kv * p.value_dim) * 2;
}
/// Bytes of (m, l, o) of one query in f32.
inline std::uint64_t state_bytes(const Problem& p) {
    return static_cast<std::uint64_t>(p.heads_q * p.value_dim + p.heads_q + p.heads_q) * 4;
}

inline std::uint64_t square(std::uint64_t x) { return x * x; }
inline std::uint64_t number(std::int64_t x) { return static_cast<std::uint64_t>(x); }

}  // namespace example
