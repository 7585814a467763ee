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
    const int owners = replicate_queries ? 1 : ranks;
    needed_.resize(offsets_.size() * static_cast<std::size_t>(owners) * static_cast<std::size_t>(ranks + 1));
    counted_needed_.assign(needed_.size(), uncounted);
    for (int user = 0; user < users_; ++user) {
        const Viewers viewers{user, {0, problem.heads_q}};
        for (int rank = 0; rank < owners; ++rank) {
            std::vector<Run> positions;
            for (std::size_t q = 0; q < queries(user, rank).runs().size(); ++q)
                positions.push_back(query_positions(user, rank, queries(user, rank).local_run(q)));
            for (int origin = 0; origin <= ranks; ++origin) {
                Ranges seen;
                const Tokens& tokens = keys(user, origin);
                for (const Run& run : positions)
                    for (std::size_t k = 0; k < tokens.runs().size(); ++k) {
                        const std::int64_t first = tokens.local_run(k).begin;
                        for (const Range& range :
                             seen_keys(*problem.mask, viewers, run, tokens.runs()[k], shortest_gap))
                            seen.push_back({first + range.begin, first + range.end});
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

double NeedSets::triples(int user, int rank, int origin, const Ranges& keys, Range heads) const {
    const std::size_t place = at(user, rank, origin);
    // Most masks are the same for all heads: one is counted.
    const bool alike = !mask_->varies_by_head();
    const double repeated = alike ? static_cast<double>(heads.size()) : 1.0;
    if (alike && keys == needed_[place]) {
        double& counted = counted_needed_[place];
        if (counted == uncounted) counted = count(user, rank, origin, keys, {0, 1});
        return counted * repeated;
    }
    const Block block{place, alike ? Range{0, 1} : heads, keys};
    const auto [found, is_new] = counted_.try_emplace(block, 0.0);
    if (is_new) found->second = count(user, rank, origin, keys, block.heads);
    return found->second * repeated;
}

double NeedSets::count(int user, int rank, int origin, const Ranges& keys, Range heads) const {
    double sum = 0;
    const Tokens& own = queries(user, rank);
    const Tokens& chunk = this->keys(user, origin);
    for (const Range& range : keys)
        for (const Range& piece : chunk.cut(range, chunk.size()))
            for (std::size_t q = 0; q < own.runs().size(); ++q)
                sum += static_cast<double>(visible_pairs(
                    *mask_, {user, heads}, query_positions(user, rank, own.local_run(q)), chunk.run(piece)));
    return sum;
}

std::size_t NeedSets::BlockHash::operator()(const Block& block) const {
    std::uint64_t hash = block.place;
    const auto mix = [&hash](std::int64_t value) {
        hash = (hash ^ static_cast<std::uint64_t>(value)) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 32;
    };
    mix(block.heads.begin);
    mix(block.heads.end);
    for (const Range& range : block.keys) {
        mix(range.begin);
        mix(range.end);
    }
    return hash;
}

}  // namespace tilemesh::attention
