// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/latency_bound.h"

#include "sim/attention/sharding.h"
#include "sim/attention/table_chains.h"
#include "sim/attention/turns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace tilemesh::attention {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();

/// Memory at work for so long, wherever its first refresh falls.
double refreshed(const FixedCosts& fixed, double ns) {
    if (fixed.refresh <= 0) return ns;
    return ns + fixed.refresh * std::floor(ns * (1 - 1e-9) / (fixed.refresh_every - fixed.refresh));
}

/// The array takes the products of a rank in turn, the vector engine what is between them.
void add_engines(const TableChains& chains, int rank, const FixedCosts& fixed, const RankWork& of_rank,
                 LatencyTerms& terms) {
    std::vector<Turn> products, softmaxes;
    double first = never, first_scores = never, rest = never, rest_of_values = never;
    for (const TableChains::Attended& attended : chains.attends(rank)) {
        const double begin = chains.after(attended.begin), left = chains.left(attended.end);
        const double scored = begin + attended.scores, weighted = attended.values + left;
        products.push_back({begin, attended.work.scores, attended.scores_drain + attended.softmax + weighted});
        products.push_back({scored + attended.softmax, attended.work.values, attended.values_drain + left});
        softmaxes.push_back({scored, attended.work.softmax, weighted});
        first = std::min(first, begin);
        first_scores = std::min(first_scores, scored);
        rest = std::min(rest, left);
        rest_of_values = std::min(rest_of_values, weighted);
    }
    if (products.empty()) return;
    terms.matrix =
        std::max({terms.matrix, in_turn(std::move(products)), first + of_rank.work.matrix_ns + fixed.drain + rest});
    terms.vector = std::max(
        {terms.vector, in_turn(std::move(softmaxes)), first_scores + of_rank.work.vector_ns + rest_of_values});
}

/// Around the traffic of a rank's memory: what comes before the first byte, and what follows the last.
void add_memory(const TableChains& chains, int rank, const FixedCosts& fixed, const RankWork& of_rank,
                LatencyTerms& terms) {
    double rest = never;
    for (const TableChains::Attended& attended : chains.attends(rank))
        rest = std::min(rest, attended.values + chains.left(attended.end));
    for (const TableChains::Transfer* transfer : chains.own_sends(rank))
        rest = std::min(rest, transfer->head + chains.left(transfer->last));
    const double lead = fixed.issue + fixed.descriptor + std::min(fixed.first_read, fixed.first_write);
    const double reads = of_rank.hbm_ns - of_rank.results_ns;
    if (of_rank.hbm_ns > 0) terms.hbm = std::max(terms.hbm, lead + refreshed(fixed, of_rank.hbm_ns) + fixed.access);
    if (reads > 0 && rest < never)
        terms.hbm = std::max(terms.hbm, lead + refreshed(fixed, reads) + fixed.access + rest);
}

/// A member of every rank, and its chains.
struct Member {
    int number;
    const TableChains* chains;
};

/// What the links on its way do for a message.
struct Passage {
    double begin = 0, made = 0, left = 0;
    double bytes = 0, last_bytes = 0;
    int from = 0;
    std::vector<int> to;
};

/// Those of a member's table. A multicast crosses a link once; it begins when it may go to all of its receivers, and
/// what each of them does with it follows.
std::vector<Passage> passages_of(const TableChains& chains) {
    std::vector<Passage> passages;
    std::map<std::int32_t, std::size_t> multicasts;  // by number
    for (const TableChains::Transfer& transfer : chains.transfers()) {
        const double begin = chains.after(transfer.begin), left = chains.left(transfer.last);
        const double made = std::max(begin, chains.after(transfer.made));
        if (transfer.multicast >= 0) {
            const auto [known, is_new] = multicasts.try_emplace(transfer.multicast, passages.size());
            if (!is_new) {
                Passage& passage = passages[known->second];
                passage.begin = std::max(passage.begin, begin);
                passage.made = std::max(passage.made, made);
                passage.left = std::max(passage.left, left);
                passage.to.push_back(transfer.to);
                continue;
            }
        }
        passages.push_back({begin, made, left, transfer.bytes, transfer.last_bytes, transfer.from, {transfer.to}});
    }
    return passages;
}

/// Every link takes the messages of all members in turn.
double links_ns(const std::vector<Member>& members, const Wiring& wiring) {
    std::map<LinkId, std::vector<Turn>> turns;
    for (const Member& member : members) {
        std::map<Way, std::vector<LinkId>> routes;
        for (const Passage& passage : passages_of(*member.chains)) {
            auto& links = routes[{passage.from, passage.to}];
            if (links.empty())
                links = links_to(passage.from, passage.to,
                                 [&](int from, int to) { return wiring.route(member.number, from, to); });
            for (const LinkId link : links) {
                const double rate = wiring.link_bytes_per_ns(link);
                turns[link].push_back({passage.begin, (passage.bytes - passage.last_bytes) / rate, passage.left});
                turns[link].push_back({passage.made, passage.last_bytes / rate, passage.left});
            }
        }
    }
    double longest = 0;
    for (auto& [link, of_link] : turns) longest = std::max(longest, in_turn(std::move(of_link)));
    return longest;
}

/// All that chains ask of how a member's ranks are joined, edge by edge of the table.
std::vector<std::pair<double, double>> edges_of(const Schedule& schedule, const Wiring& wiring,
                                                const FixedCosts& fixed, int member) {
    std::vector<std::pair<double, double>> edges;
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        std::set<int> peers;
        for (const Action& action : schedule.program(rank))
            if (action.kind == Action::Kind::send) peers.insert(action.peer);
        for (const int peer : peers)
            edges.emplace_back(slowest_link(wiring, member, rank, peer), fixed.head(member, rank, peer));
    }
    return edges;
}

}  // namespace

LatencyTerms latency_terms(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                           const MachineRates& rates, const Wiring& wiring, const FixedCosts& fixed,
                           const std::vector<RankWork>& work) {
    LatencyTerms most;
    const auto heads_of = [&](int member) {
        return contiguous_part(problem.heads_kv, wiring.members, member).size();
    };
    const auto like_first = [&](int member) {
        return heads_of(member) == heads_of(0) && !problem.mask->varies_by_head();
    };
    std::vector<std::unique_ptr<TableChains>> all;
    std::vector<Member> members;
    std::vector<std::pair<double, double>> edges_of_first;
    for (int member = 0; member < wiring.members && heads_of(member) > 0; ++member) {
        const bool alike = member > 0 && like_first(member);
        std::vector<std::pair<double, double>> edges = edges_of(schedule, wiring, fixed, member);
        // The same work and the same ways, over other links: the same chains.
        if (alike && edges == edges_of_first) {
            members.push_back({member, all.front().get()});
            continue;
        }
        if (member == 0) edges_of_first = std::move(edges);
        const TableChains latency(problem, needs, schedule, rates, wiring, fixed, member, false);
        most.latency = std::max(most.latency, latency.longest());
        all.push_back(std::make_unique<TableChains>(problem, needs, schedule, rates, wiring, fixed, member, true,
                                                    alike ? all.front().get() : nullptr));
        const TableChains& chains = *all.back();
        members.push_back({member, &chains});
        most.arrival = std::max(most.arrival, chains.longest());
        for (int rank = 0; rank < schedule.ranks(); ++rank) {
            // `work` is that of the first member.
            const RankWork of_rank = member == 0 || alike ? work[static_cast<std::size_t>(rank)] : RankWork();
            add_engines(chains, rank, fixed, of_rank, most);
            add_memory(chains, rank, fixed, of_rank, most);
        }
    }
    most.link = links_ns(members, wiring);
    return most;
}

}  // namespace tilemesh::attention
