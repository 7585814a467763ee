// SPDX-License-Identifier: Apache-2.0
// Who needs what: for every user, which keys of a chunk (the keys and values of one rank) some query of a rank sees.
// Keys that every rank has are one more chunk, which nobody sends: number shared_id().
// Mask and sharding meet here and nowhere else; a schedule asks only this table. Tables of transfers live in
// schedule.h.
#pragma once

#include "sim/attention/problem.h"
#include "sim/attention/sharding.h"
#include "sim/attention/tokens.h"

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

namespace tilemesh::attention {

/// Queries and keys of every user, dealt to the ranks, and how much of each (queries of one rank) x (keys of another)
/// block the mask leaves visible.
class NeedSets {
public:
    /// Rank r holds the queries and the keys that the sharding gives it.
    NeedSets(const Problem& problem, int ranks, Sharding sharding = Sharding::contiguous);
    /// Rank r holds all queries and its share of the keys: what a schedule that merges partial results works on.
    static NeedSets replicated_queries(const Problem& problem, int ranks, Sharding sharding = Sharding::contiguous);

    int ranks() const { return ranks_; }
    int users() const { return users_; }
    bool queries_replicated() const { return queries_replicated_; }
    /// Does the problem have sinks? Their gradient is then summed over the ranks.
    bool has_sinks() const { return has_sinks_; }
    /// Under whose number a rank's queries go: its own, or 0 when all ranks have the same.
    int owner_of(int rank) const { return queries_replicated_ ? 0 : rank; }

    /// Query tokens (indices, not positions) and key tokens of a rank.
    const Tokens& queries(int user, int rank) const { return queries_[at(user, rank)]; }
    const Tokens& keys(int user, int origin) const { return keys_[chunk_at(user, origin)]; }
    /// The chunk of the keys that every rank has; empty unless the problem has some and there are several ranks.
    int shared_id() const { return ranks_; }
    bool has_shared(int user) const { return !keys(user, shared_id()).empty(); }
    /// Of those keys, the ones to which a rank attends its own queries: all it needs, or, where all ranks have the
    /// same queries, its part of them.
    Ranges shared_share(int user, int rank) const;
    /// The rank on which the gradient of a chunk ends: its own, and of the shared one the middle rank.
    int home_of(int chunk) const { return chunk == shared_id() ? ranks_ / 2 : chunk; }
    /// Positions of a range of a rank's queries that lies in one run: what masks speak of.
    Run query_positions(int user, int rank, Range local) const;

    /// Keys of `origin`'s chunk, as local indices, that some query of `rank` sees under some head. Exact at the ends
    /// of every range; gaps shorter than `shortest_gap` keys are filled, because a message more costs more than they
    /// do.
    const Ranges& needed(int user, int rank, int origin) const { return needed_[at(user, rank, origin)]; }
    Visible need(int user, int rank, int origin) const;
    /// Visible (query head, query, key) triples of the block (queries of `rank`) x (`keys` of `origin`'s chunk) under
    /// query heads `heads`.
    double triples(int user, int rank, int origin, const Ranges& keys, Range heads) const;

    static constexpr std::int64_t shortest_gap = 64;

private:
    NeedSets(const Problem& problem, int ranks, Sharding sharding, bool replicate_queries);
    /// Of those heads.
    double count(int user, int rank, int origin, const Ranges& keys, Range heads) const;
    std::size_t at(int user, int rank) const {
        return static_cast<std::size_t>(user) * static_cast<std::size_t>(ranks_) + static_cast<std::size_t>(rank);
    }
    std::size_t chunk_at(int user, int origin) const {
        return static_cast<std::size_t>(user) * static_cast<std::size_t>(ranks_ + 1) +
               static_cast<std::size_t>(origin);
    }
    /// What the queries of one rank need is what those of all need where these are the same.
    std::size_t at(int user, int rank, int origin) const {
        const std::size_t queries = queries_replicated_ ? static_cast<std::size_t>(user) : at(user, rank);
        return queries * static_cast<std::size_t>(ranks_ + 1) + static_cast<std::size_t>(origin);
    }

    std::shared_ptr<const Mask> mask_;
    std::int64_t heads_q_ = 1;
    std::vector<std::int64_t> offsets_;  // by user: position of query 0
    int ranks_ = 1;
    int users_ = 0;
    bool queries_replicated_ = false;
    bool has_sinks_ = false;
    std::vector<Tokens> queries_;  // by user, rank
    std::vector<Tokens> keys_;     // by user, origin
    std::vector<Ranges> needed_;   // by user, whose queries, origin
    // Counting pairs of a large block takes a while, and bounds ask for the same blocks again and again: mostly for
    // all keys that are needed, else for some.
    struct Block {
        std::size_t place = 0;  // as in needed_
        Range heads;
        Ranges keys;
        bool operator==(const Block&) const = default;
    };
    struct BlockHash {
        std::size_t operator()(const Block& block) const;
    };
    static constexpr double uncounted = -1;
    mutable std::vector<double> counted_needed_;  // as needed_; where all heads are alike, of one
    mutable std::unordered_map<Block, double, BlockHash> counted_;
};

}  // namespace tilemesh::attention
