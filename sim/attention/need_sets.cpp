// SPDX-License-Identifier: Apache-2.0
// Fills the table of needs by asking the mask about every (queries of a rank) x (keys of a rank) block, once.
#include "sim/attention/need_sets.h"

#include "sim/base/error.h"

#include <utility>

namespace tilemesh::attention {

NeedSets::NeedSets(const Problem& problem, int ranks, Sharding sharding)
    : NeedSets(problem, ranks, sharding, false) {}

NeedSets NeedSets::replicated_queries(const Problem& problem, int ranks, Sharding sharding) {
    return {problem, ranks, sharding, true};
}

NeedSets::NeedSets(const Problem& problem, int ranks, Sharding sharding, bool replicate_queries)
    : mask_(problem.mask),
      heads_q_(problem.heads_q),
      ranks_(ranks),
      users_(static_cast<int>(problem.users.size())),
      queries_replicated_(replicate_queries),
      has_sinks_(!problem.sinks.empty()) {
    if (ranks < 1) fail<InternalError>("need-sets over {} ranks, expected at least 1", ranks);
    for (const User& user : problem.users) {
        offsets_.push_back(user.query_offset);
        // On one rank all keys are its own.
        const Range shared = ranks > 1 ? user.shared_keys : Range{};
        for (int rank = 0; rank < ranks; ++rank) {
            queries_.emplace_back(replicate_queries ? std::vector<Run>{{0, user.queries, 1}}
                                                    : tokens_of(sharding, user.queries, ranks, rank));
            keys_.emplace_back(around(tokens_of(sharding, user.keys - shared.size(), ranks, rank), shared));
        }
        keys_.emplace_back(std::vector<Run>{{shared.begin, shared.size(), 1}});
    }
    needed_.resize(queries_.size() * static_cast<std::size_t>(ranks + 1));
    for (int user = 0; user < users_; ++user) {
        const Viewers viewers{user, {0, problem.heads_q}};
        for (int rank = 0; rank < ranks; ++rank) {
            for (int origin = 0; origin <= ranks; ++origin) {
                if (replicate_queries && rank > 0) {
                    needed_[at(user, rank, origin)] = needed_[at(user, 0, origin)];
                    continue;
                }
                Ranges seen;
                const Tokens& tokens = keys(user, origin);
                for (std::size_t q = 0; q < queries(user, rank).runs().size(); ++q) {
                    const Run positions = query_positions(user, rank, queries(user, rank).local_run(q));
                    for (std::size_t k = 0; k < tokens.runs().size(); ++k) {
                        const std::int64_t first = tokens.local_run(k).begin;
                        for (const Range& range :
                             seen_keys(*problem.mask, viewers, positions, tokens.runs()[k], shortest_gap))
                            seen.push_back({first + range.begin, first + range.end});
                    }
                }
                needed_[at(user, rank, origin)] = united(std::move(seen));
            }
        }
    }
}

Run NeedSets::query_positions(int user, int rank, Range local) const {
    Run run = queries(user, rank).run(local);
    run.first += offsets_[static_cast<std::size_t>(user)];
    return run;
}

Ranges NeedSets::shared_share(int user, int rank) const {
    const Ranges& all = needed(user, rank, shared_id());
    if (!queries_replicated_) return all;
    return intersection(all, {contiguous_part(keys(user, shared_id()).size(), ranks_, rank)});
}

Visible NeedSets::need(int user, int rank, int origin) const {
    if (needed(user, rank, origin).empty()) return Visible::none;
    const double all = static_cast<double>(heads_q_) * static_cast<double>(queries(user, rank).size()) *
                       static_cast<double>(keys(user, origin).size());
    const double seen = triples(user, rank, origin, {{0, keys(user, origin).size()}}, {0, heads_q_});
    return seen == all ? Visible::all : Visible::some;
}

double NeedSets::triples(int user, int rank, int origin, const Ranges& ranges, Range heads) const {
    // Most masks are the same for all heads: one is counted.
    const bool alike = !mask_->varies_by_head();
    const Range counted_heads = alike ? Range{0, 1} : heads;
    const double repeated = alike ? static_cast<double>(heads.size()) : 1.0;
    std::vector<std::pair<std::int64_t, std::int64_t>> bounds;
    for (const Range& range : ranges) bounds.emplace_back(range.begin, range.end);
    BlockKey key{at(user, rank, origin), counted_heads.begin, counted_heads.end, std::move(bounds)};
    if (const auto found = counted_.find(key); found != counted_.end()) return found->second * repeated;
    double sum = 0;
    const Tokens& own = queries(user, rank);
    const Tokens& chunk = keys(user, origin);
    for (const Range& range : ranges)
        for (const Range& piece : chunk.cut(range, chunk.size()))
            for (std::size_t q = 0; q < own.runs().size(); ++q)
                sum += static_cast<double>(visible_pairs(
                    *mask_, {user, counted_heads}, query_positions(user, rank, own.local_run(q)), chunk.run(piece)));
    counted_.emplace(std::move(key), sum);
    return sum * repeated;
}

}  // namespace tilemesh::attention
