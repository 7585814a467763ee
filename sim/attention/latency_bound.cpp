// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/latency_bound.h"

#include "sim/attention/chains.h"
#include "sim/attention/sharding.h"
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

/// How the queries of one rank, user and head part are cut.
struct Blocks {
    std::int64_t count = 0;
    std::int64_t heads = 0, rows = 0;  // of the smallest
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
          heads_kv_(contiguous_part(problem.heads_kv, wiring.members, 0).size()) {
        for (int rank = 0; rank < schedule.ranks(); ++rank) add_transfers(rank);
        match_receives();
        for (int rank = 0; rank < schedule.ranks(); ++rank) add_rank(rank);
        chains_.walk();
    }

    double longest() const { return chains_.longest(); }

    /// Around the work of a rank: what the first of it waits for, and what follows the last of it.
    LatencyTerms around(int rank, const RankWork& of_rank) const {
        LatencyTerms terms;
        double first = never, rest = never, rest_of_reads = never;
        for (const auto& [in, out] : attends_[static_cast<std::size_t>(rank)]) {
            first = std::min(first, chains_.after(in));
            rest = std::min(rest, chains_.left(out));
        }
        const double values = fixed_.product(1, problem_.value_dim, 1);
        if (rest < never) rest_of_reads = values + rest;
        for (const Transfer* transfer : own_sends_[static_cast<std::size_t>(rank)])
            rest_of_reads = std::min(rest_of_reads, transfer->head + chains_.left(transfer->last));
        if (rest < never) {
            terms.matrix = first + of_rank.work.matrix_ns + fixed_.drain + rest;
            terms.vector = first + fixed_.product(1, 1, problem_.head_dim) + of_rank.work.vector_ns + values + rest;
        }
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
    Range heads_of(int head_part) const { return contiguous_part(heads_kv_, schedule_.head_parts(), head_part); }

    Blocks blocks_of(int user, int owner, int head_part) const {
        const std::int64_t heads = heads_of(head_part).size();
        const Tokens& tokens = needs_.queries(user, owner);
        if (heads == 0 || tokens.size() == 0) return {};
        const std::int64_t step = fixed_.tile_heads > 0 ? std::min(fixed_.tile_heads, heads) : heads;
        const Ranges parts =
            tokens.cut({0, tokens.size()}, fixed_.tile_queries > 0 ? fixed_.tile_queries : tokens.size());
        std::int64_t fewest = tokens.size();
        for (const Range& part : parts) fewest = std::min(fewest, part.size());
        return {(heads + step - 1) / step * static_cast<std::int64_t>(parts.size()),
                heads % step > 0 ? heads % step : step, fewest * problem_.group()};
    }
    Blocks blocks_of(const Item& item) const { return blocks_of(item.user, item.id, item.head_part); }

    /// Of the smallest message of a transfer.
    double piece_bytes(const Action& send, double bytes) const {
        if (send.item.kind != Item::Kind::chunk) return blocks_of(send.item).count == 1 ? bytes : 0;
        std::int64_t fewest = total(send.keys);
        const double per_key = bytes / static_cast<double>(fewest);
        for (const Range& range : send.keys) {
            const std::int64_t piece = wiring_.piece_keys > 0 ? wiring_.piece_keys : range.size();
            for (std::int64_t begin = range.begin; begin < range.end; begin = (begin / piece + 1) * piece)
                fewest = std::min(fewest, std::min(range.end, (begin / piece + 1) * piece) - begin);
        }
        const auto d = static_cast<double>(problem_.head_dim), dv = static_cast<double>(problem_.value_dim);
        const double share = problem_.latents ? 1.0 : std::min(d, dv) / (d + dv);
        return per_key * share * static_cast<double>(fewest);
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
                transfer.piece = bytes_ns(piece_bytes(send, bytes), rate);
                transfer.keys = send.keys;
                const double whole = bytes_ns(bytes, rate);
                chains_.follow(transfer.begin, transfer.first, transfer.head + transfer.piece);
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
            // A single block can only go as a whole; of several, some go last.
            const bool single = blocks_of(source).count == 1;
            for (const Moment made : had.registers[source]) {
                if (single) chains_.follow(made, transfer.begin, 0);
                chains_.follow(made, transfer.last, transfer.head + transfer.piece);
            }
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
        const Range kv = heads_of(chunk.head_part);
        const double triples =
            needs_.triples(chunk.user, attend.owner, chunk.id, attend.keys, problem_.query_heads(kv));
        if (triples <= 0) return;
        const Item queries{Item::Kind::queries, chunk.user, attend.owner, 0, chunk.head_part};
        const Blocks blocks = blocks_of(queries);
        const double whole = static_cast<double>(needs_.queries(chunk.user, attend.owner).size()) *
                             static_cast<double>(kv.size() * problem_.group()) *
                             static_cast<double>(total(attend.keys));
        const bool all = triples >= whole;
        const bool own_chunk = chunk.id == rank || chunk.id == needs_.shared_id();
        const std::int64_t keys = all && own_chunk ? fewest_keys(attend) : 1;
        const std::int64_t rows = all ? blocks.rows : 1, heads = all ? blocks.heads : 1;

        const double values = fixed_.product(rows, problem_.value_dim, keys);
        const Moment in = chains_.add(), out = chains_.add();
        chains_.follow(in, out,
                       fixed_.product(rows, keys, problem_.head_dim) + softmax_ns(heads * rows * keys) + values);
        if (own_chunk) {
            chains_.not_before(in, fixed_.issue + read_ns(0));
        } else {
            for (const Transfer* transfer : had.arrived[chunk]) {
                const std::int64_t used = total(intersection(transfer->keys, attend.keys));
                if (used == 0) continue;
                // Whatever a query sees of it may have come with the first message, but if it sees all of it.
                if (had.arrived[chunk].size() == 1) chains_.follow(transfer->first, in, 0);
                if (all && used == total(transfer->keys))
                    chains_.follow(transfer->last, out, problem_.latents ? 0 : values);
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
        attends_[static_cast<std::size_t>(rank)].emplace_back(in, out);
    }

    /// Of any tile of a rank's own chunk.
    std::int64_t fewest_keys(const Action& attend) const {
        const Tokens& tokens = needs_.keys(attend.item.user, attend.item.id);
        const std::int64_t tile = fixed_.tile_keys > 0 ? fixed_.tile_keys : tokens.size();
        const std::int64_t piece = wiring_.piece_keys > 0 ? wiring_.piece_keys : tokens.size();
        std::int64_t fewest = std::min(tile, piece);
        for (const Range& range : attend.keys)
            for (const Range& run : tokens.cut(range, tokens.size())) {
                // Tiles begin where the run does, or, of chunks that stay in SRAM, where messages do as well.
                if (run.size() % tile > 0) fewest = std::min(fewest, run.size() % tile);
                for (std::int64_t begin = run.begin; begin < run.end; begin = (begin / piece + 1) * piece) {
                    const std::int64_t size = std::min(run.end, (begin / piece + 1) * piece) - begin;
                    fewest = std::min(fewest, size % tile > 0 ? size % tile : tile);
                }
            }
        return fewest;
    }

    double softmax_ns(std::int64_t elements) const {
        if (!fixed_.running) return fixed_.simple(1);
        // The maximum, its subtraction, the exponential and p as it is stored.
        return 2 * fixed_.simple(elements) + fixed_.exponential(elements) +
               (fixed_.casts_p ? fixed_.cast(elements) : 0);
    }

    void add_merge(const Action& merge, Had& had) {
        Item source = merge.item;
        source.copy = merge.other;
        const auto found = had.registers.find(source);
        if (found == had.registers.end() || found->second.empty()) return;
        const std::vector<Moment> others = found->second;
        std::vector<Moment>& into = had.registers[merge.item];
        const Moment both = chains_.add(), done = chains_.add();
        const Blocks blocks = blocks_of(merge.item);
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
            const Blocks blocks = blocks_of(item);
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
    Chains chains_;
    std::deque<Transfer> all_;
    std::vector<std::vector<const Transfer*>> transfers_;  // by rank and row; null: none, or without bytes
    std::map<std::pair<int, int>, std::deque<const Transfer*>> sent_;
    std::vector<std::vector<std::pair<Moment, Moment>>> attends_;  // by rank: begin and result
    std::vector<std::vector<const Transfer*>> own_sends_;          // by rank: of its own keys and queries
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
