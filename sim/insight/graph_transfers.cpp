// SPDX-License-Identifier: Apache-2.0
// Loads and stores: their descriptors, the slices that serve them, and what waits for their end.
#include "sim/insight/graph.h"
#include "sim/pe/segments.h"

#include <algorithm>

namespace tilemesh::insight {
namespace {

constexpr std::size_t ended_kept = 256;  // per PE, for loads and stores of the same bytes

}  // namespace

void Graph::began(int number, const Command& command, Place place, Picoseconds when) {
    Pe& pe = pe_of(number);
    Queue& queue = queue_of(number, place);
    Pending pending;
    Moment start = begin_of(number, queue, command, place, pending);
    const bool moves =
        engine_of(command.op) == EngineKind::dma_load || engine_of(command.op) == EngineKind::dma_store;
    if (moves) {
        Transfers& transfers = pe.transfers[command.op == Opcode::store ? 1 : 0];
        if (command.moved->behind > 0)
            for (const EndedTransfer& other : pe.ended)
                if (other.command + 1 == command.moved->behind && other.processor == command.processor)
                    start.after(other.end);
        for (std::size_t clock = 0; clock < clocks_; ++clock) {
            const auto outstanding = static_cast<std::uint64_t>(paces_[clock]->config().pe.dma.outstanding);
            if (transfers.begun < outstanding || transfers.over.empty()) continue;
            const std::uint64_t wanted = transfers.begun - outstanding;
            if (wanted < transfers.first) continue;
            start.after_on(
                clock, transfers.over[std::min<std::size_t>(wanted - transfers.first, transfers.over.size() - 1)]);
        }
        pin(start, when, pending.about);
        step(start, when, Spent::descriptor, pending.about);
        free_of(place.engine) = start;
        const std::uint64_t descriptors = pe::descriptors_of(command);
        free_of(place.engine).later_by(clocks_of([&](Pace& pace, std::size_t) {
            return pace.descriptor() * descriptors;
        }));
        transfers.under_way[{command.processor, command.index}] = {
            start, none(), pending.about, transfers.begun++, pending.issued.when(), Bytes()};
    } else {
        pin(start, when, pending.about);
        if (is_send(command.op)) {
            begin_send(number, command, start, pending);
        } else {
            Channel& channel = channels_[{command.peer, number}];
            Message& one = message(channel, channel.receives++);
            one.posted = start;
            one.has_post = true;
            one.receive_about = pending.about;
            one.receive_issued = pending.issued.when();
        }
    }
    queue.starts.push_back(start);
    ++queue.started;
}

Moment Graph::served(int home, const Served& piece, bool write, bool streams, const Moment& arrival,
                     const About& about) {
    const ComponentId slice = slices_[static_cast<std::size_t>(home)];
    const About at_slice{slice, about.phase, about.line, about.file};
    Clocks lead, payload;
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        const Pace::Access access = paces_[clock]->access(piece.bytes, piece.run, write);
        lead[clock] = access.lead.value();
        payload[clock] = access.payload.value();
    }
    Server& at = server(slice);
    Moment moment = arrival;
    const Picoseconds asked = arrival.when();
    if (at.last.when() > asked + Picoseconds(lead[0]) && at.last.when() < piece.last) {
        moment = at.last;  // behind the bytes of others
        step(moment, moment.when(), Spent::hbm, at_slice);
    } else {
        step(moment, asked, Spent::hbm_latency, at_slice);
        const std::uint64_t bytes_from = std::min(asked.value() + lead[0], piece.last.value());
        step(moment, Picoseconds(bytes_from), Spent::hbm, at_slice);
    }
    Clocks done;
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        const std::uint64_t end = at.serve(clock, arrival.at(clock) + lead[clock], payload[clock]);
        done[clock] =
            paces_[clock]->after_refreshes(Picoseconds(end - payload[clock]), Picoseconds(payload[clock])).value();
        at.correct(clock, end, done[clock]);
        moment.set(clock, done[clock]);
    }
    pin_scaled(moment, piece.last, payload, arrival);
    // What holds up data that streams is other data that does, each piece of which is served for itself.
    if (!streams)
        for (std::size_t clock = 0; clock < clocks_; ++clock) at.correct(clock, done[clock], moment.at(clock));
    if (piece.last > at.last.when()) at.last = moment;
    return moment;
}

Moment Graph::written_there(const Share& share, const Leg& there, const Moment& start, const About& about) {
    const Picoseconds first_data = share.pieces.front().arrival, last_data = share.pieces.back().arrival;
    const Clocks scale = waiting(there, share.all.bytes);
    Moment first = cross(there, share.all.bytes, start, about, true);
    pin_scaled(first, first_data, scale, start);
    Moment last = cross(there, share.all.bytes, start, about, false);
    arrive(last, there, share.all.bytes, last_data, start);
    const double between = static_cast<double>((last_data - first_data).value());
    Moment end = none();
    for (const Served& piece : share.pieces) {
        Moment arrival = last;
        const double part = between > 0 ? static_cast<double>((piece.arrival - first_data).value()) / between : 1.0;
        for (std::size_t clock = 1; clock < clocks_; ++clock) {
            const double from = static_cast<double>(first.at(clock)), until = static_cast<double>(last.at(clock));
            arrival.set(clock, static_cast<std::uint64_t>(from + (until - from) * part));
        }
        arrival.set(0, piece.arrival.value());
        end.after(served(share.home, piece, true, true, arrival, about));
    }
    return end;
}

void Graph::share_done(int number, const Command& command, const Share& share) {
    const bool write = command.op == Opcode::store;
    Flight& flight = pe_of(number).transfers[write ? 1 : 0].under_way.at({command.processor, command.index});
    Moment moment = flight.begin;
    moment.later_by(clocks_of([&](Pace& pace, std::size_t) { return pace.descriptor() * (share.place + 1); }));
    const bool remote = share.home != number;
    const Leg there{number, share.home, share.network};
    if (remote && write) {
        moment = written_there(share, there, moment, flight.about);
    } else {
        if (remote) {
            const Moment start = moment;
            const Bytes request = paces_[0]->config().network.request;
            moment = cross(there, request, start, flight.about, false);
            arrive(moment, there, request, share.all.arrival, start);
        } else {
            pin(moment, share.all.arrival, flight.about);
        }
        moment = served(share.home, share.all, write, false, moment, flight.about);
    }
    if (!remote) {
        pin(moment, share.end, flight.about);
    } else if (write) {
        step(moment, moment.when(), Spent::link_latency, flight.about);
        moment.later_by(clocks_of([&](Pace& pace, std::size_t) { return pace.head(there.back()); }));
        pin(moment, share.end, flight.about);
    } else {
        // Bytes leave as the slice gives them: from its first on, at the links' rate if that is less.
        Moment first = moment;
        Clocks streamed;
        for (std::size_t clock = 0; clock < clocks_; ++clock)
            streamed[clock] = std::min(paces_[clock]->access(share.all.bytes, share.all.run, false).payload.value(),
                                       moment.at(clock));
        for (std::size_t clock = 0; clock < clocks_; ++clock) first.set(clock, moment.at(clock) - streamed[clock]);
        const Moment last = moment;
        Moment by_rate = cross(there.back(), share.all.bytes, first, flight.about, false);
        moment = cross(there.back(), paces_[0]->config().network.request, last, flight.about, true);
        moment.after(by_rate);
        arrive(moment, there.back(), share.all.bytes, share.end, last);
    }
    flight.end.after(moment);
    flight.bytes += share.all.bytes;
}

void Graph::end_transfer(int number, const Command& command, Picoseconds when) {
    Pe& pe = pe_of(number);
    Transfers& transfers = pe.transfers[command.op == Opcode::store ? 1 : 0];
    const auto found = transfers.under_way.find({command.processor, command.index});
    Flight flight = std::move(found->second);
    transfers.under_way.erase(found);
    Moment port = flight.begin;
    step(port, port.when(), Spent::sram_port, flight.about);
    port.later_by(clocks_of([&](Pace& pace, std::size_t) { return pace.sram_port(flight.bytes); }));
    flight.end.after(port);
    pin(flight.end, when, flight.about);
    // Places for further transfers come free in the order in which those before began.
    const std::uint64_t first_open = transfers.first + transfers.over.size();
    while (transfers.ended.size() <= flight.ordinal - first_open) transfers.ended.emplace_back(false, none());
    transfers.ended[flight.ordinal - first_open] = {true, flight.end};
    std::size_t most = 0;
    for (const auto& pace : paces_)
        most = std::max(most, static_cast<std::size_t>(pace->config().pe.dma.outstanding));
    while (!transfers.ended.empty() && transfers.ended.front().first) {
        Moment over = std::move(transfers.ended.front().second);
        transfers.ended.pop_front();
        if (!transfers.over.empty()) over.after(transfers.over.back());
        transfers.over.push_back(std::move(over));
        if (transfers.over.size() > 2 * most) {
            transfers.over.pop_front();
            ++transfers.first;
        }
    }
    pe.ended.push_back({command.processor, command.index, flight.end});
    if (pe.ended.size() > ended_kept) pe.ended.pop_front();
    use_up(number, command, flight.end, flight.end, flight.issued, flight.begin.when(), when, flight.about);
}

}  // namespace tilemesh::insight
