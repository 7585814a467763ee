// SPDX-License-Identifier: Apache-2.0
// What the merging schedules share: names of partial results, and sending a finished one to everybody.
#pragma once

#include "sim/attention/schedule.h"

#include <string_view>
#include <vector>

namespace tilemesh::kernels {

/// Register `copy` of the queries that all ranks have.
inline attention::Item partial_result(int user, int copy = 0) {
    return {.kind = attention::Item::Kind::state, .user = user, .id = 0, .copy = copy};
}
/// Do a rank's own chunk and its part of the shared keys add anything?
inline bool has_share(const attention::NeedSets& needs, int user, int rank) {
    return !needs.needed(user, rank, rank).empty() || !needs.shared_share(user, rank).empty();
}
void require_replicated(const attention::NeedSets& needs, std::string_view kernel);

/// Partial results go up the tree to its root, merged hop by hop, and the result comes back down to everybody.
void reduce_and_broadcast(attention::Schedule& schedule, const attention::NeedSets& needs, int user,
                          const attention::Tree& tree);

}  // namespace tilemesh::kernels
