// SPDX-License-Identifier: Apache-2.0
// The arithmetic of the lower bounds. Work is counted in visible pairs, exactly, whatever tiles a kernel would use.
#include "sim/attention/bounds.h"

#include "sim/attention/bound_work.h"
#include "sim/attention/item_map.h"
#include "sim/attention/latency_bound.h"
#include "sim/attention/latency_pieces.h"
#include "sim/attention/sharding.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace tilemesh::attention {

namespace {

/// One table with all that is asked of it rank by rank. "Heads" are those of the member that owns most of them.
class RankBounds {
public:
    RankBounds(const Problem& problem, const NeedSets& needs, const Schedule& schedule, const MachineRates& rates,
               const Wiring& wiring, bool chunks_staged)
        : problem_(problem),
          needs_(needs),
          schedule_(schedule),
          rates_(rates),
          wiring_(wiring),
          staged_(chunks_staged),
          heads_kv_(contiguous_part(problem.heads_kv, wiring.members, 0).size()) {}

    Work work(int rank) const {
        ItemMap<double> triples;  // by queries
        for (const Action& action : schedule_.program(rank))
            if (action.kind == Action::Kind::attend) triples[queries_of(action)] += triples_of(action);
        Work total;
        for (const auto& [queries, seen] : std::map<Item, double>(triples.begin(), triples.end()))
            total += work_of_queries(queries, seen);
        return total;
    }

    double hbm_ns(int rank) const {
        double bytes = 0;
        // What all heads share is read once, however many parts of the heads a rank works on: not counted then.
        const PairBias kind = problem_.mask->pair_bias();
        if (kind == PairBias::by_head || (kind == PairBias::shared && schedule_.head_parts() == 1))
            for (const Action& action : schedule_.program(rank))
                if (action.kind == Action::Kind::attend)
                    bytes += pair_bias_bytes(
                        problem_, triples_of(action),
                        needs_.triples(action.item.user, action.owner, action.item.id, action.keys, {0, 1}));
        if (staged_) bytes += staged_bytes(rank);
        std::vector<Used> used(static_cast<std::size_t>(needs_.users()));
        for (const Action& action : schedule_.program(rank)) {
            const Item& item = action.item;
            if (action.kind == Action::Kind::fence) continue;
            Used& by_user = used[static_cast<std::size_t>(item.user)];
            const bool leaves = action.kind == Action::Kind::send;
            if (leaves && item.kind == Item::Kind::queries && item.id == rank) by_user.sends_queries = true;
            if (action.kind == Action::Kind::attend && action.owner == needs_.owner_of(rank))
                by_user.attended.push_back(item.id);
            if (item.kind == Item::Kind::chunk && item.id == needs_.shared_id() && !problem_.mask->varies_by_head())
                add_seen_keys(action, by_user.shared_keys[item.head_part]);
            if (item.kind != Item::Kind::chunk || item.id != rank) continue;
            if (leaves) by_user.own_keys.append(action.keys);
            if (action.kind == Action::Kind::attend && !problem_.mask->varies_by_head())
                add_seen_keys(action, by_user.own_keys);
        }
        for (int user = 0; user < needs_.users(); ++user) {
            auto& [sends_queries, attended, own_keys, shared_keys] = used[static_cast<std::size_t>(user)];
            const Tokens& own = needs_.queries(user, rank);
            std::int64_t queries = sends_queries ? own.size() : 0;
            // At least as many as see one of the chunks; no union is built.
            for (std::size_t i = 0; i < attended.size() && queries < own.size(); ++i)
                queries = std::max(queries, queries_that_see(user, rank, attended[i]));
            bytes += tensor_bytes(problem_, heads_kv_,
                                  {queries, total(united(std::move(own_keys))),
                                   needs_.queries_replicated() ? 0 : own.size(), key_ends(user, rank)},
                                  schedule_.pass());
            for (auto& [part, keys] : shared_keys)
                bytes += tensor_bytes(problem_, contiguous_part(heads_kv_, schedule_.head_parts(), part).size(),
                                      {.keys = total(united(std::move(keys)))}, schedule_.pass());
        }
        return bytes / rates_.hbm_bytes_per_ns;
    }

    /// Of that, o; it is open who writes it where all ranks have the same queries.
    double results_ns(int rank) const {
        double bytes = 0;
        for (int user = 0; user < needs_.users() && !needs_.queries_replicated(); ++user)
            bytes += tensor_bytes(problem_, heads_kv_, {.query_ends = needs_.queries(user, rank).size()},
                                  schedule_.pass());
        return bytes / rates_.hbm_bytes_per_ns;
    }

    double arrival_ns(int rank) const {
        std::map<int, Edge> edges;                                     // by sender
        ItemMap<std::vector<std::pair<Edge*, std::size_t>>> bringers;  // of an item, or parts of it
        for (const Action& action : schedule_.program(rank)) {
            if (action.kind != Action::Kind::receive) continue;
            Edge& edge = edges[action.peer];
            bringers[action.item].emplace_back(&edge, edge.items.size());
            edge.items.push_back(&action);
            edge.work_with.emplace_back();
        }
        std::vector<std::pair<Edge*, std::size_t>> waited;  // by an attend: the last item of each that it waits for
        for (const Action& action : schedule_.program(rank)) {
            if (action.kind != Action::Kind::attend) continue;
            waited.clear();
            for (const Item& item : {action.item, queries_of(action)}) {
                const auto* const found = bringers.find(item);
                if (!found) continue;
                for (const auto& [edge, number] : *found) {
                    if (!waits(action, *edge->items[number])) continue;
                    const auto known = std::find_if(waited.begin(), waited.end(),
                                                    [e = edge](const auto& one) { return one.first == e; });
                    if (known == waited.end())
                        waited.emplace_back(edge, number);
                    else
                        known->second = std::max(known->second, number);
                }
            }
            for (const auto& [edge, last] : waited) {
                edge->work_with[last] += work_of(action);
                if (last + 1 == edge->items.size()) edge->wait_for_all.push_back(&action);
            }
        }
        double latest = 0;
        for (const auto& [from, edge] : edges)
            latest = std::max(latest, edge_ns(slowest_link(wiring_, 0, from, rank), edge));
        return latest;
    }

private:
    /// Of a rank's own queries and keys of one user.
    struct Used {
        bool sends_queries = false;
        std::vector<int> attended;          // chunks that the queries are attended to here
        Ranges own_keys;                    // used here or sent
        std::map<int, Ranges> shared_keys;  // used here, by head part
    };
    /// What one rank sends another, in table order.
    struct Edge {
        std::vector<const Action*> items;
        std::vector<Work> work_with;              // by the last item it waits for
        std::vector<const Action*> wait_for_all;  // attends that wait for the last item
    };

    /// Keys of others that are seen here, written when they come and read when they are attended.
    double staged_bytes(int rank) const {
        ItemMap<Ranges> seen;
        for (const Action& action : schedule_.program(rank))
            if (action.kind == Action::Kind::attend && action.item.id != rank &&
                action.item.id != needs_.shared_id() && !problem_.mask->varies_by_head())
                add_seen_keys(action, seen[action.item]);
        double bytes = 0;
        for (const auto& [chunk, keys] : seen)
            bytes +=
                2 * tensor_bytes(problem_, contiguous_part(heads_kv_, schedule_.head_parts(), chunk.head_part).size(),
                                 {.keys = total(united(keys))}, schedule_.pass());
        return bytes;
    }
    /// Keys whose gradient ends here.
    std::int64_t key_ends(int user, int rank) const {
        const int shared = needs_.shared_id();
        return needs_.keys(user, rank).size() +
               (needs_.home_of(shared) == rank ? needs_.keys(user, shared).size() : 0);
    }
    Range heads_of(const Action& attend) const {
        return problem_.query_heads(contiguous_part(heads_kv_, schedule_.head_parts(), attend.item.head_part));
    }

    static Item queries_of(const Action& attend) {
        return {Item::Kind::queries, attend.item.user, attend.owner, 0, attend.item.head_part};
    }
    double triples_of(const Action& attend) const {
        return needs_.triples(attend.item.user, attend.owner, attend.item.id, attend.keys, heads_of(attend));
    }
    Work work_of_queries(const Item& queries, double triples) const {
        const Range kv = contiguous_part(heads_kv_, schedule_.head_parts(), queries.head_part);
        const auto rows =
            static_cast<double>(needs_.queries(queries.user, queries.id).size() * kv.size() * problem_.group());
        return attention::work_of(triples, rows, problem_, rates_, schedule_.pass());
    }
    /// Work that cannot begin before the chunk is there. Rows are counted as not compared here: the running maximum
    /// of earlier chunks costs a comparison more per row, but a kernel may take chunks in any order.
    Work work_of(const Action& attend) const { return work_of_queries(queries_of(attend), triples_of(attend)); }

    std::int64_t queries_that_see(int user, int rank, int origin) const {
        const Tokens& own = needs_.queries(user, rank);
        const Tokens& chunk = needs_.keys(user, origin);
        std::int64_t most = 0;
        if (unknown_without_pairs(problem_, chunk)) return 0;
        for (const Run& keys : chunk.runs()) {
            std::int64_t seeing = 0;
            for (std::size_t i = 0; i < own.runs().size(); ++i)
                seeing += attention::queries_that_see(problem_, user,
                                                      needs_.query_positions(user, rank, own.local_run(i)), keys);
            most = std::max(most, seeing);
        }
        return most;
    }

    /// Keys of the attended ones that a query does see: a kernel that gathers need not read the others.
    void add_seen_keys(const Action& attend, Ranges& seen) const {
        const Tokens& chunk = needs_.keys(attend.item.user, attend.item.id);
        const Tokens& queries = needs_.queries(attend.item.user, attend.owner);
        if (unknown_without_pairs(problem_, chunk)) return;
        for (const Range& range : attend.keys)
            for (const Range& keys : chunk.cut(range, chunk.size()))
                for (std::size_t i = 0; i < queries.runs().size(); ++i) {
                    const Run positions =
                        needs_.query_positions(attend.item.user, attend.owner, queries.local_run(i));
                    for (const Range& part : seen_keys(*problem_.mask, {attend.item.user, heads_of(attend)},
                                                       positions, chunk.run(keys), 1))
                        seen.push_back({keys.begin + part.begin, keys.begin + part.end});
                }
    }

    /// Does this attend wait for that transfer?
    static bool waits(const Action& attend, const Action& transfer) {
        const Item &block = attend.item, &item = transfer.item;
        if (item.user != block.user || item.head_part != block.head_part) return false;
        if (item.kind == Item::Kind::queries) return item.id == attend.owner;
        return item.kind == Item::Kind::chunk && item.id == block.id &&
               !intersection(attend.keys, transfer.keys).empty();
    }

    /// When the first k items are there at the edge's rate, the work of all that wait for later items is still to
    /// come.
    double edge_ns(double rate, const Edge& edge) const {
        Work later;
        for (const Work& work : edge.work_with) later += work;
        double arrived = 0, bound = 0;
        for (std::size_t i = 0; i < edge.items.size(); ++i) {
            bound = std::max(bound, arrived + later.longer());
            later += {-edge.work_with[i].matrix_ns, -edge.work_with[i].vector_ns};
            arrived +=
                static_cast<double>(transfer_bytes(problem_, needs_, schedule_, *edge.items[i], heads_kv_)) / rate;
        }
        return std::max(bound, arrived + tail_ns(edge));
    }

    /// What must follow the last message of a chunk: if V comes last, the value product of the piece that has least
    /// of it; if K comes last, no less than that with head_dim; latents come last, and both follow. Masked blocks may
    /// hold an empty piece: nothing then.
    double tail_ns(const Edge& edge) const {
        const Action& last = *edge.items.back();
        if (last.item.kind != Item::Kind::chunk) return 0;
        double fewest = std::numeric_limits<double>::infinity();
        const Tokens& chunk = needs_.keys(last.item.user, last.item.id);
        for (const Range& range : last.keys) {
            const std::int64_t piece = wiring_.piece_keys > 0 ? wiring_.piece_keys : chunk.size();
            for (std::int64_t begin = range.begin; begin < range.end; begin = (begin / piece + 1) * piece) {
                const Range keys{begin, std::min(range.end, (begin / piece + 1) * piece)};
                double triples = 0;
                for (const Action* action : edge.wait_for_all)
                    triples += needs_.triples(last.item.user, action->owner, last.item.id,
                                              intersection(action->keys, {keys}), heads_of(*action));
                fewest = std::min(fewest, triples);
            }
        }
        const double scores = static_cast<double>(problem_.head_dim) / rates_.macs_per_ns;
        const double values = static_cast<double>(problem_.value_dim) / rates_.other_macs_per_ns();
        return fewest * (problem_.latents ? scores + values : std::min(scores, values));
    }

    const Problem& problem_;
    const NeedSets& needs_;
    const Schedule& schedule_;
    const MachineRates& rates_;
    const Wiring& wiring_;
    bool staged_;
    std::int64_t heads_kv_;
};

}  // namespace

const BoundTerm& Bound::binding() const {
    return *std::max_element(terms.begin(), terms.end(),
                             [](const BoundTerm& a, const BoundTerm& b) { return a.ns < b.ns; });
}

Bound machine_bound(const Problem& problem, const MachineRates& rates, Schedule::Pass pass) {
    Work work;
    double bytes = 0;
    for (int user = 0; user < static_cast<int>(problem.users.size()); ++user) {
        const User& tokens = problem.users[static_cast<std::size_t>(user)];
        const Run queries{tokens.query_offset, tokens.queries, 1}, keys{0, tokens.keys, 1};
        const auto triples =
            static_cast<double>(visible_pairs(*problem.mask, {user, {0, problem.heads_q}}, queries, keys));
        work += work_of(triples, static_cast<double>(tokens.queries * problem.heads_q), problem, rates, pass);
        bytes += tensor_bytes(problem, problem.heads_kv,
                              {queries_that_see(problem, user, queries, keys),
                               keys_that_are_seen(problem, user, queries, keys), tokens.queries, tokens.keys},
                              pass);
        if (problem.mask->pair_bias() != PairBias::none)
            bytes += pair_bias_bytes(
                problem, triples, static_cast<double>(visible_pairs(*problem.mask, {user, {0, 1}}, queries, keys)));
    }
    const double pes = rates.pes;
    return {{{"matrix", work.matrix_ns / pes},
             {"vector", work.vector_ns / pes},
             {"HBM", bytes / (pes * rates.hbm_bytes_per_ns)},
             {"link", 0.0}}};
}

Bound schedule_bound(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                     const MachineRates& rates, const Wiring& wiring, const FixedCosts* fixed) {
    const RankBounds ranks(problem, needs, schedule, rates, wiring, fixed && !fixed->chunks_stay);
    std::vector<RankWork> all;
    double matrix = 0, vector = 0, hbm = 0, link = 0, arrival = 0;
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        const RankWork& of_rank =
            all.emplace_back(RankWork{ranks.work(rank), ranks.hbm_ns(rank), ranks.results_ns(rank)});
        matrix = std::max(matrix, of_rank.work.matrix_ns);
        vector = std::max(vector, of_rank.work.vector_ns);
        hbm = std::max(hbm, of_rank.hbm_ns);
        arrival = std::max(arrival, ranks.arrival_ns(rank));
    }
    for (const auto& [id, bytes] : wired_traffic(problem, needs, schedule, wiring).bytes)
        link = std::max(link, static_cast<double>(bytes) / wiring.link_bytes_per_ns(id));
    Bound bound{{{"matrix", matrix}, {"vector", vector}, {"HBM", hbm}, {"link", link}, {"arrival", arrival}}};
    if (!fixed || schedule.pass() != Schedule::Pass::forward) return bound;
    const LatencyTerms terms = latency_terms(problem, needs, schedule, rates, wiring, *fixed, all);
    return {{{"matrix", std::max(matrix, terms.matrix)},
             {"vector", std::max(vector, terms.vector)},
             {"HBM", std::max(hbm, terms.hbm)},
             {"link", std::max(link, terms.link)},
             {"arrival", std::max(arrival, terms.arrival)},
             {"latency", terms.latency}}};
}

}  // namespace tilemesh::attention
