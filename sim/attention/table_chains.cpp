// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/table_chains.h"

#include "sim/base/error.h"

#include <algorithm>
#include <limits>

namespace tilemesh::attention {
namespace {

using Kind = Action::Kind;

}  // namespace

std::vector<EdgeWay> ways_of(const TableEdges& edges, const Wiring& wiring, const FixedCosts& fixed, int member) {
    std::vector<EdgeWay> ways;
    ways.reserve(edges.edges().size());
    for (const auto& [from, to] : edges.edges()) {
        constexpr double infinite = std::numeric_limits<double>::infinity();
        EdgeWay& way = ways.emplace_back(EdgeWay{.rate = infinite, .last_rate = infinite});
        way.head = way.around_slowest = fixed.head(member, from, to);
        int behind = 0;  // links
        for (const LinkId link : wiring.route(member, from, to)) {
            way.last_rate = wiring.link_bytes_per_ns(link);
            behind = way.last_rate > way.rate ? behind + 1 : 0;
            way.best_rate = std::max(way.best_rate, way.last_rate);
            way.rate = std::min(way.rate, way.last_rate);
        }
        way.around_slowest -= behind * fixed.head_alone;
    }
    return ways;
}

TableChains::TableChains(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                         const TableEdges& edges, const std::vector<EdgeWay>& ways, const MachineRates& rates,
                         const Wiring& wiring, const FixedCosts& fixed, int member, bool with_bytes,
                         const TableChains* like)
    : problem_(problem),
      needs_(needs),
      schedule_(schedule),
      edges_(edges),
      rates_(rates),
      fixed_(fixed),
      with_bytes_(with_bytes),
      edges_keep_order_(!fixed.parts_apart || !schedule.moves_results_alone()),
      like_(like),
      pieces_(problem, needs, schedule, rates, wiring, fixed, member),
      last_on_(edges.edges().size(), none) {
    std::size_t transfers = 0, attends = 0, others = 0;
    for (const auto& program : schedule.programs())
        for (const Action& action : program)
            ++(action.kind == Kind::send ? transfers : action.kind == Kind::attend ? attends : others);
    all_.reserve(transfers);
    chains_.reserve(4 * transfers + 2 * attends + others, 6 * transfers + 4 * attends + others);
    for (int rank = 0; rank < schedule.ranks(); ++rank) add_transfers(rank, ways);
    for (int rank = 0; rank < schedule.ranks(); ++rank) add_rank(rank);
    chains_.walk(with_bytes);  // without, only the longest is asked for
}

void TableChains::add_transfers(int rank, const std::vector<EdgeWay>& ways) {
    const std::vector<Action>& program = schedule_.program(rank);
    auto& rows = transfers_.emplace_back(program.size(), none);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const Action& send = program[row];
        if (send.kind != Kind::send) continue;
        const auto bytes =
            static_cast<double>(transfer_bytes(problem_, needs_, schedule_, send, pieces_.heads_kv().size()));
        if (bytes <= 0) continue;
        const std::size_t edge = edges_.edge_of(rank, row);
        const EdgeWay& way = ways[edge];
        const auto way_ns = [&](double some) { return with_bytes_ ? way.ns(some) : way.head; };
        rows[row] = static_cast<std::uint32_t>(all_.size());
        Transfer& transfer = all_.emplace_back();
        transfer.entered = chains_.add();
        const bool waits_inside = with_bytes_ && edges_keep_order_ && way.best_rate > way.rate;
        transfer.begin = waits_inside ? chains_.add() : transfer.entered;
        transfer.first = chains_.add();
        transfer.last = chains_.add();
        transfer.made = send.item.is_register() ? chains_.add() : transfer.entered;
        transfer.head = way.head;
        transfer.bytes = bytes;
        transfer.last_bytes = pieces_.piece_bytes(send, bytes);
        transfer.piece = way_ns(transfer.last_bytes);
        transfer.row = &send;
        transfer.edge = static_cast<std::uint32_t>(edge);
        chains_.follow(transfer.begin, transfer.first, send.item.is_register() ? transfer.head : transfer.piece);
        chains_.follow(transfer.begin, transfer.last, way_ns(bytes));
        chains_.follow(transfer.first, transfer.last, 0);
        if (send.item.is_register()) chains_.follow(transfer.made, transfer.last, transfer.piece);
        if (waits_inside) chains_.follow(transfer.entered, transfer.begin, 0);
        if (edges_keep_order_ && last_on_[edge] != none) {
            const Transfer& before = all_[last_on_[edge]];
            chains_.follow(before.begin, transfer.begin, bytes_ns(before.bytes, way.rate));
            if (waits_inside) chains_.follow(before.entered, transfer.entered, before.bytes / way.best_rate);
        }
        last_on_[edge] = rows[row];
    }
}

void TableChains::add_rank(int rank) {
    Had had;
    attends_.emplace_back();
    own_sends_.emplace_back();
    const std::vector<Action>& program = schedule_.program(rank);
    for (std::size_t row = 0; row < program.size(); ++row) {
        const Action& action = program[row];
        switch (action.kind) {
            case Kind::send: {
                const std::uint32_t number = transfers_[static_cast<std::size_t>(rank)][row];
                if (number != none) add_send(rank, action, number, had);
                break;
            }
            case Kind::receive: {
                const TableEdges::Row send = edges_.other_end(rank, row);
                if (send == TableEdges::nowhere)
                    fail<InternalError>("latency bound: {} is never sent", name_of(action.item));
                const std::uint32_t number = transfers_[static_cast<std::size_t>(action.peer)][send];
                if (number == none) break;
                if (action.item.is_register())
                    had.registers[action.item].before.push_back(all_[number].last);
                else
                    had.arrived[action.item].push_back(number);
                break;
            }
            case Kind::attend:
                add_attend(rank, action, had);
                break;
            case Kind::merge:
                add_merge(action, had);
                break;
            case Kind::fence:
                had.fenced = true;
                break;
        }
    }
    add_results(rank, had);
}

void TableChains::add_send(int rank, const Action& send, std::uint32_t number, Had& had) {
    const Transfer& transfer = all_[number];
    if (send.item.is_register()) {
        Item source = send.item;
        source.copy = send.other;
        // The maximum and the sum may be on their way before o is made.
        if (const std::optional<Moment> made = read(source, had)) chains_.follow(*made, transfer.made, 0);
        return;
    }
    const std::vector<std::uint32_t>* const found = had.arrived.find(send.item);
    if (!found) {
        chains_.not_before(transfer.entered, fixed_.issue + read_ns(0));
        own_sends_[static_cast<std::size_t>(rank)].push_back(number);
        return;
    }
    if (found->size() > 1) return;  // in parts: any of them may be the one that goes
    const Transfer& from = all_[found->front()];
    chains_.follow(from.first, transfer.entered, 0);
    if (from.row->keys == send.keys) chains_.follow(from.last, transfer.last, transfer.piece);
}

void TableChains::add_attend(int rank, const Action& attend, Had& had) {
    const Item& chunk = attend.item;
    const Range kv = pieces_.heads_of(chunk.head_part);
    const double triples = needs_.triples(chunk.user, attend.owner, chunk.id, attend.keys, problem_.query_heads(kv));
    if (triples <= 0) return;
    const Item queries{Item::Kind::queries, chunk.user, attend.owner, 0, chunk.head_part};
    const Blocks blocks = pieces_.blocks_of(queries);
    const double whole = static_cast<double>(needs_.queries(chunk.user, attend.owner).size()) *
                         static_cast<double>(kv.size() * problem_.group()) * static_cast<double>(total(attend.keys));
    const bool all = triples >= whole;
    const bool own_chunk = chunk.id == rank || chunk.id == needs_.shared_id();
    Ranges arrived;
    if (!own_chunk)
        for (const std::uint32_t number : had.arrived[chunk]) arrived.append(all_[number].row->keys);
    const Ranges tiles = pieces_.tiles_of(attend, own_chunk ? nullptr : &arrived);
    const std::int64_t keys = pieces_.fewest_keys(attend, tiles, all, own_chunk);
    const bool whole_blocks = all || fixed_.by_plan;
    const std::int64_t rows = whole_blocks ? blocks.rows : 1, heads = whole_blocks ? blocks.heads : 1;

    std::vector<Attended>& attends = attends_[static_cast<std::size_t>(rank)];
    Attended attended;
    attended.scores = fixed_.product(heads, rows, keys, problem_.head_dim);
    attended.values = fixed_.product(heads, rows, problem_.value_dim, keys);
    attended.softmax = pieces_.softmax_ns(heads * rows * keys);
    attended.scores_drain = attended.values_drain = fixed_.drain;
    if (fixed_.by_plan) {
        // Of whichever piece comes last: the least is that of the fewest or the most rows, and of keys likewise.
        const std::int64_t most_keys = std::max(keys, fixed_.tile_keys > 0 ? fixed_.tile_keys : total(attend.keys));
        const auto least = [&](auto drain) {
            return std::min({drain(rows, keys), drain(rows, most_keys), drain(blocks.most_rows, keys),
                             drain(blocks.most_rows, most_keys)});
        };
        attended.scores_drain =
            least([&](std::int64_t m, std::int64_t n) { return fixed_.drain_of(m, n, problem_.head_dim); });
        attended.values_drain =
            least([&](std::int64_t m, std::int64_t k) { return fixed_.drain_of(m, problem_.value_dim, k); });
    }
    if (like_)
        attended.work = like_->attends(rank)[attends.size()].work;
    else if (with_bytes_)
        attended.work = pieces_.work_of(attend, tiles, triples, all);
    attended.begin = chains_.add();
    attended.end = chains_.add();
    const Moment in = attended.begin, out = attended.end;
    chains_.follow(in, out, attended.scores + attended.softmax + attended.values);
    attends.push_back(attended);
    if (own_chunk) {
        chains_.not_before(in, fixed_.issue + read_ns(0));
    } else {
        const std::vector<std::uint32_t>& bringers = had.arrived[chunk];
        for (const std::uint32_t number : bringers) {
            const Transfer& transfer = all_[number];
            const std::int64_t used = total(intersection(transfer.row->keys, attend.keys));
            if (used == 0) continue;
            // Whatever a query sees of it may have come with the first message, but if it sees all of it.
            if (bringers.size() == 1) chains_.follow(transfer.first, in, 0);
            if (all && used == total(transfer.row->keys))
                chains_.follow(transfer.last, out, problem_.latents ? 0 : attended.values);
        }
    }
    const std::vector<std::uint32_t>* const sent_here = had.arrived.find(queries);
    if (sent_here) {
        for (const std::uint32_t number : *sent_here) chains_.follow(all_[number].first, in, 0);
    } else {
        const auto element = static_cast<double>(bytes_per_element(problem_.dtype));
        const double q = element * static_cast<double>(heads * rows * problem_.head_dim);
        const double k = element * static_cast<double>(heads * keys * problem_.head_dim);
        chains_.not_before(in, fixed_.issue + read_ns(own_chunk ? q + k : q));
        if (own_chunk) chains_.not_before(in, 2 * fixed_.issue + read_ns(0));
    }
    Register& into = had.registers[{Item::Kind::state, chunk.user, attend.owner, 0, chunk.head_part}];
    (own_chunk && !sent_here && !had.fenced ? into.before : into.beside).push_back(out);
}

void TableChains::add_merge(const Action& merge, Had& had) {
    Item source = merge.item;
    source.copy = merge.other;
    if (const std::optional<Moment> made = read(source, had)) had.registers[merge.item].merged.push_back(*made);
}

std::optional<TableChains::Moment> TableChains::read(const Item& item, Had& had) {
    Register* const found = had.registers.find(item);
    if (!found) return {};
    auto& [before, beside, merged] = *found;
    if (before.size() == 1 && beside.empty() && merged.empty()) return before.front();
    // A product and a sum for every element of o, or for what was there before it; what comes first into a register
    // that nobody wrote is a copy.
    const Blocks blocks = pieces_.blocks_of(item);
    const double ns = blocks.count == 1 ? fixed_.simple(blocks.heads * blocks.rows * problem_.value_dim) : 0;
    const Moment there = chains_.add();
    for (const Moment moment : before) chains_.follow(moment, there, static_cast<double>(merged.size()) * ns);
    for (const Moment moment : beside) chains_.follow(moment, there, 0);
    chains_.follow_in_turn(merged, there, ns, before.size() + beside.size() > 0);
    *found = {.before = {there}, .beside = {}, .merged = {}};
    return there;
}

void TableChains::add_results(int rank, Had& had) {
    const int owner = needs_.owner_of(rank);
    const bool everywhere = !needs_.queries_replicated() || schedule_.results_everywhere();
    for (const auto& [item, written] : had.registers) {
        if (item.kind != Item::Kind::state || item.id != owner || item.copy != 0) continue;
        if (!everywhere && item.head_part != rank) continue;
        const Blocks blocks = pieces_.blocks_of(item);
        const std::int64_t elements = blocks.heads * blocks.rows * problem_.value_dim;
        const auto element = static_cast<double>(bytes_per_element(problem_.output_dtype()));
        double ns = fixed_.descriptor + fixed_.first_write + fixed_.access +
                    bytes_ns(static_cast<double>(elements) * element, rates_.hbm_bytes_per_ns);
        if (fixed_.running) ns += fixed_.finish(elements);
        if (fixed_.casts_o) ns += fixed_.cast(elements);
        if (const std::optional<Moment> made = read(item, had)) chains_.follow(*made, chains_.add(), ns);
    }
}

}  // namespace tilemesh::attention
