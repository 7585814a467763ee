// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/latency_bound.h"

#include "sim/attention/link_turns.h"
#include "sim/attention/sharding.h"
#include "sim/attention/table_chains.h"
#include "sim/attention/turns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
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
    for (const std::uint32_t number : chains.own_sends(rank)) {
        const TableChains::Transfer& transfer = chains.transfer(number);
        rest = std::min(rest, transfer.head + chains.left(transfer.last));
    }
    const double lead = fixed.issue + fixed.descriptor + std::min(fixed.first_read, fixed.first_write);
    const double reads = of_rank.hbm_ns - of_rank.results_ns;
    if (of_rank.hbm_ns > 0) terms.hbm = std::max(terms.hbm, lead + refreshed(fixed, of_rank.hbm_ns) + fixed.access);
    if (reads > 0 && rest < never)
        terms.hbm = std::max(terms.hbm, lead + refreshed(fixed, reads) + fixed.access + rest);
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
    const TableEdges edges(schedule);
    std::vector<std::unique_ptr<TableChains>> all;
    std::vector<MemberChains> members;
    std::vector<EdgeWay> ways_of_first;
    for (int member = 0; member < wiring.members && heads_of(member) > 0; ++member) {
        const bool alike = member > 0 && like_first(member);
        const std::vector<EdgeWay> ways = ways_of(edges, wiring, fixed, member);
        // The same work and the same ways, over other links: the same chains.
        if (alike && ways == ways_of_first) {
            members.push_back({member, all.front().get()});
            continue;
        }
        if (member == 0) ways_of_first = ways;
        const auto chains_of = [&](bool with_bytes) {
            return std::make_unique<TableChains>(problem, needs, schedule, edges, ways, rates, wiring, fixed, member,
                                                 with_bytes, with_bytes && alike ? all.front().get() : nullptr);
        };
        most.latency = std::max(most.latency, chains_of(false)->longest());
        all.push_back(chains_of(true));
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
    most.link = links_ns(members, schedule, edges, wiring);
    return most;
}

}  // namespace tilemesh::attention
