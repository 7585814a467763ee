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

void Dma::start(Command&& command, Picoseconds begin) {
    const std::size_t slot = take_slot(begin);
    Transfer& transfer = transfers_[slot];
    transfer.command = std::move(command);
    transfer.begin = begin;
    transfer.busy = true;
    transfer.bytes = Bytes();
    transfer.end = Picoseconds();
    find_shares(transfer);
    transfer.shares_left = transfer.shares.size();
    Picoseconds ready = begin + pe_.descriptor_time() +
                        jitter().of(write_ ? Jitter::Part::dma_store : Jitter::Part::dma_load,
                                    static_cast<std::uint64_t>(pe_.number()), event_of(transfer.command));
    for (std::size_t i = 0; i < transfer.shares.size(); ++i) {
        transfer.bytes += transfer.shares[i].bytes;
        start_share(tag_of(slot, i), ready);
        ready += pe_.descriptor_time();
    }
    moved_ += transfer.bytes;
}

void Dma::start_share(Tag tag, Picoseconds ready) {
    Share& share = share_of(tag);
    if (share.home == pe_.number()) {
        ask_slice(tag, ready);
        return;
    }
    noc::Network& network = pe_.surroundings().network;
    if (write_) {
        network.inject(prepare(share.data, false, share.bytes, tag, ready, ready), noc::TrafficClass::write_data);
    } else {
        network.inject(prepare(share.request, false, network.config().request, tag, ready, ready),
                       noc::TrafficClass::request);
    }
}

void Dma::ask_slice(Tag tag, Picoseconds arrival) {
    Share& share = share_of(tag);
    const Command& command = transfer_of(tag).command;
    memory::Slice& slice = pe_.surroundings().slice(share.home);
    memory::Request request;
    request.arrival = arrival;
    request.source = pe_.number();
    request.write = write_;
    request.client = this;
    request.tag = tag;
    request.command = command.index;
    share.arrival = arrival;
    share.first_byte = Picoseconds::max();
    share.last_byte = Picoseconds();
    const auto ask = [&](const Segments& segments) {
        request.first = segments.first;
        share.run = Bytes(segments.first.bytes);
        request.segments = segments.count;
        request.stride = segments.stride;
        slice.request(request);
        request.arrival = request.arrival + pe_.descriptor_time();
        ++request.part;
    };
    if (command.moved->access) {
        const auto parts = command.moved->access->parts().subspan(share.first, share.end - share.first);
        share.asked = parts.size();
        for (const AccessPart& part : parts) ask({{part.address, part.bytes}, part.segments, part.stride});
        return;
    }
    const TensorBox& box = command.moved->box;
    if (!box.tensor->paging()) {
        share.asked = 1;
        return ask(segments_of(box));
    }
    const std::vector<Segments> pages = pages_of(box);
    share.asked = pages.size();
    for (const Segments& page : pages) ask(page);
}

void Dma::bytes_arrived(noc::Stream& stream, Bytes, Picoseconds when, bool last) {
    if (!last) return;
    when += jitter().of(Jitter::Part::link, static_cast<std::uint64_t>(pe_.number()), event_at(stream.tag));
    // At the slice: a read's request or a write's data. At home: a read's data.
    if (&stream == &share_of(stream.tag).request || write_) {
        ask_slice(stream.tag, when);
    } else {
        finish(stream.tag, when);
    }
}

void Dma::memory_done(std::uint64_t tag, Picoseconds first_byte, Picoseconds last_byte) {
    Share& share = share_of(tag);
    share.first_byte = std::min(share.first_byte, first_byte);
    share.last_byte = std::max(share.last_byte, last_byte);
    if (--share.asked > 0) return;
    last_byte =
        share.last_byte + jitter().of(Jitter::Part::hbm, static_cast<std::uint64_t>(share.home), event_at(tag));
    // Of several requests the first may have its data before the last is made.
    first_byte = std::max(share.first_byte, simulated_now());
    noc::Network& network = pe_.surroundings().network;
    if (share.home == pe_.number()) {
        finish(tag, last_byte);
    } else if (write_) {
        finish(tag, last_byte + network.head_latency(share.home, pe_.number(), share.network));
    } else {
        network.inject(prepare(share.data, true, share.bytes, tag, first_byte, last_byte),
                       noc::TrafficClass::read_data);
    }
}

void Dma::finish(Tag tag, Picoseconds end) {
    Transfer& transfer = transfer_of(tag);
    transfer.end = std::max(transfer.end, end);
    if (Follower* const follower = pe_.surroundings().follower) {
        const Share& share = share_of(tag);
        follower->share_done(pe_.number(), transfer.command,
                             {share.home, share.network, tag & 0xffff'ffff, share.bytes, share.run, share.arrival,
                              share.last_byte, end});
    }
    if (--transfer.shares_left > 0) return;
    // Wherever they come from or go to, all its bytes pass between the engine and the SRAM.
    transfer.end = std::max(transfer.end, transfer.begin + pe_.sram_port_time(transfer.bytes));
    transfer.busy = false;
    pe_.transfer_done(transfer.command, transfer.begin, transfer.end, transfer.bytes);
}

}  // namespace tilemesh::pe
