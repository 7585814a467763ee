// SPDX-License-Identifier: Apache-2.0
#include "sim/collective/closed_form.h"

#include "sim/collective/run.h"

#include <algorithm>

namespace tilemesh::collective {

Picoseconds Run::time_on_links(std::uint64_t bytes, std::size_t row) const {
    return network_.link.rate_for(transfer_of(row)).time_for(Bytes(bytes));
}

/// Of rows that leave one chip in one direction, or pass it: on the link, and through what feeds it.
Picoseconds Run::busy_at(int chip, int direction) const {
    const Chips& chips = schedule_.chips;
    const Worker& worker = workers_[static_cast<std::size_t>(chip) * 2 + (direction > 0 ? 0 : 1)];
    Picoseconds link, feeding;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = schedule_.rows[i];
        const RowState& state = rows_[i];
        if (row.direction != direction || !schedule_.crosses(row, chip)) continue;
        link += time_on_links(state.bytes, i);
        if (row.from != chip && !row.adds) continue;
        feeding += feeding_time(worker, Bytes(state.bytes));
        if (schedule_.algorithm == Algorithm::one_shot) feeding += config_.destination;
        if (parts_wait_) link += chunks_time(std::min(state.bytes, chunk_ * reducers_));
    }
    return chips.n < 2 ? Picoseconds() : std::max(link, feeding);
}

/// What the worker of a chip and direction still has to add when the last of it has come: of the row that comes last,
/// or of all if links are busy for less time.
Picoseconds Run::adding_left(int chip, int direction, Picoseconds busy) const {
    const auto beyond = [&](std::uint64_t bytes, Picoseconds coming) {
        const Picoseconds adding(static_cast<std::uint64_t>(static_cast<double>(bytes) * finish_ps_per_byte_));
        return adding > coming ? adding - coming : Picoseconds();
    };
    std::uint64_t all = 0;
    Picoseconds left;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = schedule_.rows[i];
        if (row.to != chip || row.direction != direction || !row.sum || !rows_[i].followers.empty()) continue;
        all += rows_[i].bytes;
        left = std::max(left, beyond(rows_[i].bytes, time_on_links(rows_[i].bytes, i)));
    }
    return std::max(left, beyond(all, busy));
}

Picoseconds Run::closed_form() {
    set_up();
    const Chips& chips = schedule_.chips;
    const CallConfig& call = config_.call(schedule_.operation);
    if (chips.n < 2 || rows_.empty()) return end_ + call.exit;
    const Picoseconds hop = noc::head_latency(network_, topology_, topology_.route(0, 1));
    Picoseconds last, first, left, busiest;
    for (int chip = 0; chip < chips.n; ++chip)
        for (const int direction : {1, -1}) {
            const Picoseconds busy = busy_at(chip, direction);
            busiest = std::max(busiest, busy);
            last = std::max(last, begin_of(schedule_, chip, config_, network_) + busy + hop);
        }
    for (int chip = 0; chip < chips.n; ++chip)
        for (const int direction : {1, -1}) left = std::max(left, adding_left(chip, direction, busiest));
    // Of the rows that go farthest: whole as it enters, then a piece or packet at every stop.
    std::vector<Picoseconds> there(rows_.size());
    Picoseconds handled;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = schedule_.rows[i];
        const auto hops = static_cast<std::uint64_t>(chips.distance(row.from, row.to, row.direction));
        if (row.after >= 0) {
            const auto before = static_cast<std::size_t>(row.after);
            there[i] = there[before] + handling_of(rows_[before]) + time_on_links(rows_[before].piece, before) + hop;
        } else {
            const Worker& worker = worker_of(row.from, row.direction);
            there[i] = begin_of(schedule_, row.from, config_, network_) + hop * hops +
                       std::max(time_on_links(rows_[i].bytes, i), feeding_time(worker, Bytes(rows_[i].bytes)));
            const Picoseconds stop = (row.adds ? config_.reduction : config_.multicast) +
                                     time_on_links(std::min(rows_[i].bytes, network_.packet.value()), i);
            if (row.stops()) there[i] += stop * (hops - 1);
        }
        first = std::max(first, there[i]);
        if (row.sum) handled = std::max(handled, handling_of(rows_[i]));
    }
    return std::max(last, first) + left + handled + call.exit;
}

Picoseconds closed_form(const Schedule& schedule, std::uint64_t bytes_per_element, const Ground& ground) {
    const Picoseconds links =
        Run(schedule, bytes_per_element, ground.config, ground.network, usual_pieces).closed_form();
    return std::max(links, time_through_memory(schedule, bytes_per_element, ground));
}

Algorithm chosen_on(const Ground& ground, Operation operation, const Chips& chips, std::uint64_t elements,
                    std::uint64_t bytes_per_element) {
    const Algorithm usual = chosen(ground.config, operation, chips, Bytes(elements * bytes_per_element));
    if (!ground.network.router.reduction || !can(Algorithm::in_network, operation)) return usual;
    const Bytes payload = full_packet(ground.config, ground.network);
    if (chips.ring && slots_of(ground.config, ground.network.link, payload) < 2) return usual;
    const auto time = [&](Algorithm algorithm) {
        return closed_form(schedule_of(operation, algorithm, chips, elements), bytes_per_element, ground);
    };
    return time(Algorithm::in_network) < time(usual) ? Algorithm::in_network : usual;
}

}  // namespace tilemesh::collective
