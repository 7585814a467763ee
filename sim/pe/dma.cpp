// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/dma.h"

#include "sim/noc/sim_time.h"
#include "sim/pe/processing_element.h"
#include "sim/pe/segments.h"

#include <algorithm>

namespace tilemesh::pe {
Dma::Dma(ProcessingElement& pe, bool write, int outstanding)
    : pe_(pe), write_(write), outstanding_(static_cast<std::size_t>(outstanding)) {}

const Jitter& Dma::jitter() const { return pe_.surroundings().jitter; }

/// Slices have events of many PEs, each in two directions.
std::uint64_t Dma::event_at(Tag tag) {
    const std::uint64_t of_pe = event_of(transfer_of(tag).command) << 16U | (tag & 0xff) << 1U | (write_ ? 1 : 0);
    return random_bits(0, static_cast<std::uint64_t>(pe_.number()), of_pe);
}

std::size_t Dma::take_slot(Picoseconds now) {
    while (!open_.empty() && !transfers_[open_.front()].busy && transfers_[open_.front()].end <= now)
        finished_.push_back(open_.pop());
    if (finished_.empty()) {
        finished_.push_back(transfers_.size());
        transfers_.emplace_back();
    }
    const std::size_t slot = open_.push(finished_.back());
    finished_.pop_back();
    return slot;
}

noc::Stream& Dma::prepare(noc::Stream& stream, bool back, Bytes bytes, Tag tag, Picoseconds begin, Picoseconds end) {
    const Share& share = share_of(tag);
    const int own = pe_.number();
    stream = noc::Stream{};
    stream.route = &pe_.surroundings().network.route(back ? share.home : own, back ? own : share.home, share.network);
    stream.size = bytes;
    stream.available_from = begin;
    stream.available_until = end;
    stream.client = this;
    stream.tag = tag;
    stream.command = transfer_of(tag).command.index;
    return stream;
}

void Dma::find_shares(Transfer& transfer) {
    transfer.shares.clear();
    const Command& command = transfer.command;
    const TensorBox& box = command.moved->box;
    const auto add = [&](int home) -> Share& {
        Share& share = transfer.shares.emplace_back();
        share.home = home;
        const int from = write_ ? pe_.number() : home, to = write_ ? home : pe_.number();
        if (home != pe_.number()) share.network = pe_.surroundings().network.choice(from, to, command.network);
        return share;
    };
    if (!command.moved->access) {
        Share& share = add(box.tensor->home());
        share.bytes =
            Bytes(static_cast<std::uint64_t>(box.shape.elements()) * bytes_per_element(box.tensor->dtype()));
        return;
    }
    const std::span<const AccessPart> parts = command.moved->access->parts();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i == 0 || parts[i].home != parts[i - 1].home) add(parts[i].home).first = i;
        transfer.shares.back().end = i + 1;
        transfer.shares.back().bytes += Bytes(parts[i].bytes * parts[i].segments);
    }
}

Picoseconds Dma::start(Command&& command, Picoseconds begin) {
    const std::size_t slot = take_slot(begin);
    Transfer& transfer = transfers_[slot];
    transfer.command = std::move(command);
    transfer.begin = begin;
    transfer.busy = true;
    transfer.bytes = Bytes();
    transfer.end = Picoseconds();
    find_shares(transfer);
    transfer.shares_left = transfer.shares.size();
    const Picoseconds ready = begin + pe_.descriptor_time() +
                              jitter().of(write_ ? Jitter::Part::dma_store : Jitter::Part::dma_load,
                                          static_cast<std::uint64_t>(pe_.number()), event_of(transfer.command));
    const Picoseconds made = begin + pe_.descriptor_time() * descriptors_of(transfer.command);
    for (std::size_t i = 0; i < transfer.shares.size(); ++i) {
        transfer.bytes += transfer.shares[i].bytes;
        start_share(tag_of(slot, i), ready + pe_.descriptor_time() * transfer.shares[i].first);
    }
    moved_ += transfer.bytes;
    return made;
}

void Dma::start_share(Tag tag, Picoseconds ready) {
    Share& share = share_of(tag);
    if (share.home == pe_.number()) {
        ask_slice(tag, ready);
        return;
    }
    noc::Network& network = pe_.surroundings().network;
    if (write_) {
        share.incoming.missing = share.bytes;
        network.inject(prepare(share.data, false, share.bytes, tag, ready, ready), noc::TrafficClass::write_data);
    } else {
        network.inject(prepare(share.request, false, network.config().request, tag, ready, ready),
                       noc::TrafficClass::request);
    }
}

void Dma::ask(Tag tag, const memory::Runs& segments, Picoseconds arrival) {
    Share& share = share_of(tag);
    memory::Request request;
    request.arrival = arrival;
    request.source = pe_.number();
    request.write = write_;
    request.first = segments.first;
    request.segments = segments.count;
    request.stride = segments.stride;
    request.client = this;
    request.tag = tag;
    request.command = transfer_of(tag).command.index;
    request.part = share.requests++;
    share.run = Bytes(segments.first.bytes);
    ++share.asked;
    pe_.surroundings().slice(share.home).request(request);
}

std::vector<memory::Runs> Dma::places_of(Tag tag) {
    const Share& share = share_of(tag);
    const Movement& moved = *transfer_of(tag).command.moved;
    if (!moved.access) return moved.box.tensor->paging() ? pages_of(moved.box) : std::vector{segments_of(moved.box)};
    std::vector<memory::Runs> places;
    for (const AccessPart& part : moved.access->parts().subspan(share.first, share.end - share.first))
        places.push_back({{part.address, part.bytes}, part.segments, part.stride});
    return places;
}

void Dma::ask_slice(Tag tag, Picoseconds arrival) {
    Share& share = share_of(tag);
    const Movement& moved = *transfer_of(tag).command.moved;
    share.arrival = arrival;
    share.first_byte = Picoseconds::max();
    share.last_byte = Picoseconds();
    if (!moved.access && !moved.box.tensor->paging()) return ask(tag, segments_of(moved.box), arrival);
    std::vector<memory::Runs> places = places_of(tag);
    for (const memory::Runs& place : places) {
        ask(tag, place, arrival);
        arrival = arrival + pe_.descriptor_time();
    }
    if (share.home != pe_.number()) share.outgoing.places = std::move(places);
}

void Dma::take_in(Tag tag, Bytes bytes, Picoseconds when) {
    Share& share = share_of(tag);
    Incoming& data = share.incoming;
    if (data.missing == share.bytes) {
        data.places = places_of(tag);
        share.arrival = when;
        share.first_byte = Picoseconds::max();
        share.last_byte = Picoseconds();
    }
    data.missing -= bytes;
    data.waiting += bytes;
    const std::uint64_t burst = pe_.surroundings().slice(share.home).burst();
    while (data.waiting > Bytes()) {
        const memory::Runs& place = data.places[data.place];
        const std::uint64_t run = place.first.bytes, number = data.into / run, within = data.into % run;
        const std::uint64_t begin = place.first.address + number * place.stride, here = data.waiting.value();
        memory::Runs next{{begin + within, run}, std::min(place.count - number, here / run), place.stride};
        if (within > 0 || here < run) {
            // What a burst lacks comes with the next packet.
            const std::uint64_t all = within + here,
                                end = all < run ? all - std::min(all, (begin + all) % burst) : run;
            if (end <= within) break;
            next = {{begin + within, end - within}, 1, 0};
        }
        const Bytes asked(next.first.bytes * next.count);
        const Picoseconds arrival = std::max(when, share.arrival + pe_.descriptor_time() * data.place);
        ask(tag, next, arrival);
        if (pe_.surroundings().follower)
            data.served.push_back({arrival, asked, Bytes(next.first.bytes), Picoseconds()});
        data.waiting -= asked;
        data.into += asked.value();
        if (data.into < run * place.count) continue;
        ++data.place;
        data.into = 0;
    }
}

void Dma::bytes_arrived(noc::Stream& stream, Bytes bytes, Picoseconds when, bool last) {
    if (!last && !write_) return;
    when += jitter().of(Jitter::Part::link, static_cast<std::uint64_t>(pe_.number()), event_at(stream.tag));
    // At the slice: a read's request or a write's data. At home: a read's data.
    if (write_) {
        take_in(stream.tag, bytes, when);
    } else if (&stream == &share_of(stream.tag).request) {
        ask_slice(stream.tag, when);
    } else {
        Share& share = share_of(stream.tag);
        share.outgoing.came = std::max(share.outgoing.came, when);
        if (--share.outgoing.under_way > 0 || share.asked > 0) return;
        finish(stream.tag, share.outgoing.came);
    }
}

void Dma::memory_done(std::uint64_t tag, Picoseconds first_byte, Picoseconds last_byte) {
    Share& share = share_of(tag);
    share.first_byte = std::min(share.first_byte, first_byte);
    share.last_byte = std::max(share.last_byte, last_byte);
    Incoming& data = share.incoming;
    if (data.booked < data.served.size()) data.served[data.booked++].last = last_byte;
    --share.asked;
    const bool remote = share.home != pe_.number();
    if (remote && !write_) return give_out(tag, first_byte, last_byte);
    if (share.asked > 0 || data.missing > Bytes()) return;
    last_byte =
        share.last_byte + jitter().of(Jitter::Part::hbm, static_cast<std::uint64_t>(share.home), event_at(tag));
    if (remote) last_byte += pe_.surroundings().network.head_latency(share.home, pe_.number(), share.network);
    finish(tag, last_byte);
}

void Dma::give_out(Tag tag, Picoseconds first_byte, Picoseconds last_byte) {
    Share& share = share_of(tag);
    Outgoing& data = share.outgoing;
    noc::Network& network = pe_.surroundings().network;
    if (data.waiting == Bytes()) {
        data.from = Picoseconds::max();
        data.until = Picoseconds();
    }
    data.from = std::min(data.from, first_byte);
    data.until = std::max(data.until, last_byte);
    if (data.places.empty()) {
        data.waiting = share.bytes;
    } else {
        const memory::Runs& place = data.places[data.booked++];
        data.waiting += Bytes(place.first.bytes * place.count);
    }
    if (share.asked > 0 && data.waiting < network.config().packet) return;
    const Picoseconds late = jitter().of(Jitter::Part::hbm, static_cast<std::uint64_t>(share.home), event_at(tag));
    noc::Stream& stream = share.data.size == Bytes() ? share.data : data.more.emplace_back();
    // The first of several requests may have its data before the last is made.
    prepare(stream, true, data.waiting, tag, std::max(data.from, simulated_now()), data.until + late);
    stream.transfer = share.bytes;
    ++data.under_way;
    data.waiting = Bytes();
    network.inject(stream, noc::TrafficClass::read_data);
}

void Dma::finish(Tag tag, Picoseconds end) {
    Transfer& transfer = transfer_of(tag);
    transfer.end = std::max(transfer.end, end);
    if (Follower* const follower = pe_.surroundings().follower) {
        const Share& share = share_of(tag);
        follower->share_done(pe_.number(), transfer.command,
                             {share.home,
                              share.network,
                              share.first,
                              {share.arrival, share.bytes, share.run, share.last_byte},
                              share.incoming.served,
                              end});
    }
    if (--transfer.shares_left > 0) return;
    // Wherever they come from or go to, all its bytes pass between the engine and the SRAM.
    transfer.end = std::max(transfer.end, transfer.begin + pe_.sram_port_time(transfer.bytes));
    transfer.busy = false;
    pe_.transfer_done(transfer.command, transfer.begin, transfer.end, transfer.bytes);
}

}  // namespace tilemesh::pe
