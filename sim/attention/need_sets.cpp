// SPDX-License-Identifier: Apache-2.0
// Fills the table of needs by asking the mask about every (queries of a rank) x (keys of a rank) block, once.
#include "sim/attention/need_sets.h"

#include "sim/attention/sharding.h"
#include "sim/base/error.h"

namespace tilemesh::attention {

NeedSets::NeedSets(const Problem& problem, int ranks) : NeedSets(problem, ranks, false) {}

NeedSets NeedSets::replicated_queries(const Problem& problem, int ranks) { return {problem, ranks, true}; }

NeedSets::NeedSets(const Problem& problem, int ranks, bool replicate_queries)
    : ranks_(ranks), users_(static_cast<int>(problem.users.size())), queries_replicated_(replicate_queries) {
    if (ranks < 1) fail<InternalError>("need-sets over {} ranks, expected at least 1", ranks);
    for (const User& user : problem.users) {
        offsets_.push_back(user.query_offset);
        for (int rank = 0; rank < ranks; ++rank) {
            queries_.push_back(replicate_queries ? Range{0, user.queries}
                                                 : contiguous_part(user.queries, ranks, rank));
            keys_.push_back(contiguous_part(user.keys, ranks, rank));
        }
    }
    need_.reserve(queries_.size() * static_cast<std::size_t>(ranks));
    for (int user = 0; user < users_; ++user)
        for (int rank = 0; rank < ranks; ++rank)
            for (int origin = 0; origin < ranks; ++origin)
                need_.push_back(
                    problem.mask->block(Viewer{user, 0}, query_positions(user, rank), keys_of(user, origin)));
}

Visible NeedSets::need(int user, int rank, int origin) const {
    return need_[at(user, rank) * static_cast<std::size_t>(ranks_) + static_cast<std::size_t>(origin)];
}

Range NeedSets::queries_of(int user, int rank) const { return queries_[at(user, rank)]; }

Range NeedSets::query_positions(int user, int rank) const {
    const Range queries = queries_of(user, rank);
    const std::int64_t offset = offsets_[static_cast<std::size_t>(user)];
    return {queries.begin + offset, queries.end + offset};
}

Range NeedSets::keys_of(int user, int rank) const { return keys_[at(user, rank)]; }

}  // namespace tilemesh::attention
