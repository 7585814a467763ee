// SPDX-License-Identifier: Apache-2.0
// Who needs what: for every user, which chunk (the keys and values of one rank) some query of a rank sees. Mask and
// sharding meet here and nowhere else; a schedule asks only this table. Tables of transfers live in schedule.h.
#pragma once

#include "sim/attention/problem.h"

#include <cstddef>
#include <vector>

namespace tilemesh::attention {

/// Queries and keys of every user, sharded contiguously over the ranks, and how much of each (queries of one rank) x
/// (keys of another) block the mask leaves visible.
class NeedSets {
public:
    /// Rank r holds part r of the queries and part r of the keys of every user.
    NeedSets(const Problem& problem, int ranks);
    /// Rank r holds all queries and part r of the keys: what a schedule that merges partial results works on.
    static NeedSets replicated_queries(const Problem& problem, int ranks);

    int ranks() const { return ranks_; }
    int users() const { return users_; }
    bool queries_replicated() const { return queries_replicated_; }
    /// Does any query of `rank` see any key of `origin`?
    Visible need(int user, int rank, int origin) const;
    Range queries_of(int user, int rank) const;       // query indices (positions minus query_offset)
    Range query_positions(int user, int rank) const;  // the same as positions, which is what masks speak of
    Range keys_of(int user, int rank) const;

private:
    NeedSets(const Problem& problem, int ranks, bool replicate_queries);
    std::size_t at(int user, int rank) const {
        return static_cast<std::size_t>(user) * static_cast<std::size_t>(ranks_) + static_cast<std::size_t>(rank);
    }

    int ranks_ = 1;
    int users_ = 0;
    bool queries_replicated_ = false;
    std::vector<Visible> need_;          // by user, rank, origin
    std::vector<Range> queries_, keys_;  // by user, rank
    std::vector<std::int64_t> offsets_;  // by user: position of query 0
};

}  // namespace tilemesh::attention
