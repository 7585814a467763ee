// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/latency_bound.h"

#include "sim/attention/chains.h"
#include "sim/attention/latency_pieces.h"
#include "sim/base/error.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace tilemesh::attention {
namespace {

using Kind = Action::Kind;
constexpr double never = std::numeric_limits<double>::infinity();

using Moment = Chains::Moment;

/// A send and its receive.
struct Transfer {
    Moment begin, first, last;  // the first message begins to move, is there; the last one is there
    double head, piece;         // on its way; bytes of the smallest message at the edge's rate
    Ranges keys;
};

/// A block of queries against keys.
struct Attended {
    Moment begin = 0, end = 0;
    double scores = 0, values = 0;  // its two products
};

class TableChains {
public:
    TableChains(const Problem& problem, const NeedSets& needs, const Schedule& schedule, const MachineRates& rates,
                const Wiring& wiring, const FixedCosts& fixed, bool with_bytes)
        : problem_(problem),
          needs_(needs),
          schedule_(schedule),
          rates_(rates),
          wiring_(wiring),
          fixed_(fixed),
          with_bytes_(with_bytes),
          heads_kv_(contiguous_part(problem.heads_kv, wiring.members, 0).size()),
          pieces_(problem, needs, schedule, wiring, fixed, heads_kv_) {
        for (int rank = 0; rank < schedule.ranks(); ++rank) add_transfers(rank);
        match_receives();
        for (int rank = 0; rank < schedule.ranks(); ++rank) add_rank(rank);
        chains_.walk();
    }

    double longest() const { return chains_.longest(); }

    /// Around the work of a rank: what the first of it waits for, and what follows the last of it.
    LatencyTerms around(int rank, const RankWork& of_rank) const {
        LatencyTerms terms;
        double first = never, first_scores = never, rest = never, rest_of_values = never;
        for (const Attended& attended : attends_[static_cast<std::size_t>(rank)]) {
            first = std::min(first, chains_.after(attended.begin));
            first_scores = std::min(first_scores, chains_.after(attended.begin) + attended.scores);
            rest = std::min(rest, chains_.left(attended.end));
            rest_of_values = std::min(rest_of_values, attended.values + chains_.left(attended.end));
        }
        if (rest < never) {
            const double matrix = std::max(of_rank.work.matrix_ns, matrix_[static_cast<std::size_t>(rank)]);
            terms.matrix = first + matrix + fixed_.drain + rest;
            terms.vector = first_scores + of_rank.work.vector_ns + rest_of_values;
        }
        double rest_of_reads = rest_of_values;
        for (const Transfer* transfer : own_sends_[static_cast<std::size_t>(rank)])
            rest_of_reads = std::min(rest_of_reads, transfer->head + chains_.left(transfer->last));
        const double lead = fixed_.issue + fixed_.descriptor + std::min(fixed_.first_read, fixed_.first_write);
        const double reads = of_rank.hbm_ns - of_rank.results_ns;
        if (of_rank.hbm_ns > 0) terms.hbm = lead + refreshed(of_rank.hbm_ns) + fixed_.access;
        if (reads > 0 && rest_of_reads < never)
            terms.hbm = std::max(terms.hbm, lead + refreshed(reads) + fixed_.access + rest_of_reads);
        return terms;
    }

private:
    double bytes_ns(double bytes, double rate) const { return with_bytes_ ? bytes / rate : 0; }
    double read_ns(double bytes) const {
        return fixed_.descriptor + fixed_.first_read + fixed_.access + bytes_ns(bytes, rates_.hbm_bytes_per_ns);
    }
    /// Memory at work for so long, wherever its first refresh falls.
    double refreshed(double ns) const {
        if (fixed_.refresh <= 0) return ns;
        return ns + fixed_.refresh * std::floor(ns * (1 - 1e-9) / (fixed_.refresh_every - fixed_.refresh));
    }
    void add_transfers(int rank) {
        std::map<int, std::pair<Moment, double>> before;  // by receiver: what was last sent, and how long it takes
        auto& rows = transfers_.emplace_back(schedule_.program(rank).size(), nullptr);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const Action& send = schedule_.program(rank)[row];
            if (send.kind != Kind::send) continue;
            const auto bytes = static_cast<double>(transfer_bytes(problem_, needs_, schedule_, send, heads_kv_));
            if (bytes > 0) {
                double rate = never;
                for (const LinkId link : wiring_.route(0, rank, send.peer))
                    rate = std::min(rate, wiring_.link_bytes_per_ns(link));
                Transfer& transfer = all_.emplace_back();
                transfer.begin = chains_.add();
                transfer.first = chains_.add();
                transfer.last = chains_.add();
                transfer.head = fixed_.head(rank, send.peer);
                transfer.piece = bytes_ns(pieces_.piece_bytes(send, bytes), rate);
                transfer.keys = send.keys;
                const double whole = bytes_ns(bytes, rate);
                chains_.follow(transfer.begin, transfer.first,
                               transfer.head + (send.item.is_register() ? 0 : transfer.piece));
                chains_.follow(transfer.begin, transfer.last, transfer.head + whole);
                chains_.follow(transfer.first, transfer.last, 0);
                if (const auto found = before.find(send.peer); found != before.end())
                    chains_.follow(found->second.first, transfer.begin, found->second.second);
                before[send.peer] = {transfer.begin, whole};
                rows[row] = &transfer;
            }
            sent_[{rank, send.peer}].push_back(rows[row]);
        }
    }

    void match_receives() {
        for (int rank = 0; rank < schedule_.ranks(); ++rank)
            for (std::size_t row = 0; row < schedule_.program(rank).size(); ++row) {
                const Action& receive = schedule_.program(rank)[row];
                if (receive.kind != Kind::receive) continue;
                auto& edge = sent_[{receive.peer, rank}];
                if (edge.empty()) fail<InternalError>("latency bound: {} is never sent", name_of(receive.item));
                transfers_[static_cast<std::size_t>(rank)][row] = edge.front();
                edge.pop_front();
            }
    }

    /// What a rank has got so far, and who made its registers.
    struct Had {
        std::map<Item, std::vector<const Transfer*>> arrived;
        std::map<Item, std::vector<Moment>> registers;
    };

    void add_rank(int rank) {
        Had had;
        attends_.emplace_back();
        matrix_.push_back(0);
        own_sends_.emplace_back();
        const auto& rows = transfers_[static_cast<std::size_t>(rank)];
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const Action& action = schedule_.program(rank)[row];
            switch (action.kind) {
                case Kind::send:
                    if (rows[row]) add_send(rank, action, *rows[row], had);
                    break;
                case Kind::receive:
                    if (!rows[row]) break;
                    if (action.item.is_register())
                        had.registers[action.item].push_back(rows[row]->last);
                    else
                        had.arrived[action.item].push_back(rows[row]);
                    break;
                case Kind::attend:
                    add_attend(rank, action, had);
                    break;
                case Kind::merge:
                    add_merge(action, had);
                    break;
                case Kind::fence:
                    break;
            }
        }
        add_results(rank, had);
    }

    void add_send(int rank, const Action& send, const Transfer& transfer, Had& had) {
        if (send.item.is_register()) {
            Item source = send.item;
            source.copy = send.other;
            // The maximum and the sum may be on their way before o is made.
            for (const Moment made : had.registers[source])
                chains_.follow(made, transfer.last, transfer.head + transfer.piece);
            return;
        }
        const auto found = had.arrived.find(send.item);
        if (found == had.arrived.end()) {
            chains_.not_before(transfer.begin, fixed_.issue + read_ns(0));
            own_sends_[static_cast<std::size_t>(rank)].push_back(&transfer);
            return;
        }
        if (found->second.size() > 1) return;  // in parts: any of them may be the one that goes
        const Transfer& from = *found->second.front();
        chains_.follow(from.first, transfer.begin, 0);
        if (from.keys == transfer.keys) chains_.follow(from.last, transfer.last, transfer.head + transfer.piece);
    }

    void add_attend(int rank, const Action& attend, Had& had) {
        const Item& chunk = attend.item;
        const Range kv = pieces_.heads_of(chunk.head_part);
        const double triples =
            needs_.triples(chunk.user, attend.owner, chunk.id, attend.keys, problem_.query_heads(kv));
        if (triples <= 0) return;
        const Item queries{Item::Kind::queries, chunk.user, attend.owner, 0, chunk.head_part};
        const Blocks blocks = pieces_.blocks_of(queries);
        const double whole = static_cast<double>(needs_.queries(chunk.user, attend.owner).size()) *
                             static_cast<double>(kv.size() * problem_.group()) *
                             static_cast<double>(total(attend.keys));
        const bool all = triples >= whole;
        const bool own_chunk = chunk.id == rank || chunk.id == needs_.shared_id();
        const std::int64_t keys = all && own_chunk ? pieces_.fewest_keys(attend) : 1;
        const std::int64_t rows = all ? blocks.rows : 1, heads = all ? blocks.heads : 1;

        Attended attended;
        attended.scores = fixed_.product(heads, rows, keys, problem_.head_dim);
        attended.values = fixed_.product(heads, rows, problem_.value_dim, keys);
        attended.begin = chains_.add();
        attended.end = chains_.add();
        const Moment in = attended.begin, out = attended.end;
        chains_.follow(in, out, attended.scores + pieces_.softmax_ns(heads * rows * keys) + attended.values);
        attends_[static_cast<std::size_t>(rank)].push_back(attended);
        matrix_[static_cast<std::size_t>(rank)] +=
            all ? pieces_.products_ns(attend, kv.size())
                : work_of(triples, triples, problem_, rates_, schedule_.pass()).matrix_ns;
        if (own_chunk) {
            chains_.not_before(in, fixed_.issue + read_ns(0));
        } else {
            for (const Transfer* transfer : had.arrived[chunk]) {
                const std::int64_t used = total(intersection(transfer->keys, attend.keys));
                if (used == 0) continue;
                // Whatever a query sees of it may have come with the first message, but if it sees all of it.
                if (had.arrived[chunk].size() == 1) chains_.follow(transfer->first, in, 0);
                if (all && used == total(transfer->keys))
                    chains_.follow(transfer->last, out, problem_.latents ? 0 : attended.values);
            }
        }
        if (const auto found = had.arrived.find(queries); found != had.arrived.end()) {
            for (const Transfer* transfer : found->second) chains_.follow(transfer->first, in, 0);
        } else {
            const auto element = static_cast<double>(bytes_per_element(problem_.dtype));
            const double q = element * static_cast<double>(heads * rows * problem_.head_dim);
            const double k = element * static_cast<double>(heads * keys * problem_.head_dim);
            chains_.not_before(in, fixed_.issue + read_ns(own_chunk ? q + k : q));
            if (own_chunk) chains_.not_before(in, 2 * fixed_.issue + read_ns(0));
        }
        had.registers[{Item::Kind::state, chunk.user, attend.owner, 0, chunk.head_part}].push_back(out);
    }

    void add_merge(const Action& merge, Had& had) {
        Item source = merge.item;
        source.copy = merge.other;
        const auto found = had.registers.find(source);
        if (found == had.registers.end() || found->second.empty()) return;
        const std::vector<Moment> others = found->second;
        std::vector<Moment>& into = had.registers[merge.item];
        const Moment both = chains_.add(), done = chains_.add();
        const Blocks blocks = pieces_.blocks_of(merge.item);
        // A product and a sum for every element of o; into a register that nobody wrote it is a copy.
        const bool copies = into.empty() || blocks.count != 1;
        chains_.follow(both, done, copies ? 0 : fixed_.simple(blocks.heads * blocks.rows * problem_.value_dim));
        for (const Moment made : others) chains_.follow(made, both, 0);
        for (const Moment made : into) chains_.follow(made, both, 0);
        into.push_back(done);
    }

    void add_results(int rank, const Had& had) {
        const int owner = needs_.owner_of(rank);
        const bool everywhere = !needs_.queries_replicated() || schedule_.results_everywhere();
        for (const auto& [item, made] : had.registers) {
            if (item.kind != Item::Kind::state || item.id != owner || item.copy != 0) continue;
            if (!everywhere && item.head_part != rank) continue;
            const Blocks blocks = pieces_.blocks_of(item);
            const std::int64_t elements = blocks.heads * blocks.rows * problem_.value_dim;
            double ns = fixed_.descriptor + fixed_.first_write + fixed_.access;
            if (fixed_.running) ns += fixed_.simple(elements);
            if (fixed_.casts_o) ns += fixed_.cast(elements);
            const Moment written = chains_.add();
            for (const Moment moment : made) chains_.follow(moment, written, ns);
        }
    }

    const Problem& problem_;
    const NeedSets& needs_;
    const Schedule& schedule_;
    const MachineRates& rates_;
    const Wiring& wiring_;
    const FixedCosts& fixed_;
    const bool with_bytes_;
    const std::int64_t heads_kv_;
    const Pieces pieces_;
    Chains chains_;
    std::deque<Transfer> all_;
    std::vector<std::vector<const Transfer*>> transfers_;  // by rank and row; null: none, or without bytes
    std::map<std::pair<int, int>, std::deque<const Transfer*>> sent_;
    std::vector<std::vector<Attended>> attends_;           // by rank
    std::vector<double> matrix_;                           // by rank: the array at work
    std::vector<std::vector<const Transfer*>> own_sends_;  // by rank: of its own keys and queries
};

}  // namespace

LatencyTerms latency_terms(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                           const MachineRates& rates, const Wiring& wiring, const FixedCosts& fixed,
                           const std::vector<RankWork>& work) {
    LatencyTerms most;
    most.latency = TableChains(problem, needs, schedule, rates, wiring, fixed, false).longest();
    const TableChains chains(problem, needs, schedule, rates, wiring, fixed, true);
    most.arrival = chains.longest();
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        const LatencyTerms terms = chains.around(rank, work[static_cast<std::size_t>(rank)]);
        most.matrix = std::max(most.matrix, terms.matrix);
        most.vector = std::max(most.vector, terms.vector);
        most.hbm = std::max(most.hbm, terms.hbm);
    }
    return most;
}

}  // namespace tilemesh::attention
