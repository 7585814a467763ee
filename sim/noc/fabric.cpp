// SPDX-License-Identifier: Apache-2.0
// How packets go from link to link. How they enter the first one, and who is given which channel, is in
// fabric_entry.cpp, copies in fabric_copies.cpp, when which event happens and who hears of it in fabric_run.cpp.
#include "sim/noc/fabric.h"

#include "sim/noc/fabric_events.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace tilemesh::noc {

Fabric::LinkState::LinkState(const LinkSpec& link, const NetworkConfig& network, bool divided)
    : turns(link.config.rate.time_for(network.flit)),
      two_classes(divided && link.role == LinkRole::routers),
      feeds_router(link.role == LinkRole::into_network),
      allocation(network.router.vc_allocation),
      buffer(link.config.buffer),
      hop(link.config.latency),
      credit_return(link.config.latency + network.router.credit),
      flit_time(link.config.rate.time_for(network.flit)),
      delivery(link.config.latency + network.router.through_switch()),
      rate(link.config.rate),
      by_size(link.config.rate_by_size.empty() ? nullptr : &link.config) {
    if (feeds_router) {
        allocation = Picoseconds();
        credit_return += network.router.traversal;  // the PE's side of a port has a stage, too
    } else {
        hop += network.router.through_switch();
    }
    // Without a port the last link ends at a router, which the packet still has to pass.
    if (link.role == LinkRole::routers) delivery += network.router.latency();
    if (link.role != LinkRole::out_of_network) look = network.router.before_switch();
    covers_round_trip = link.config.best_rate().time_for(buffer) >= hop + look + credit_return;
}

Picoseconds Fabric::LinkState::time_for(const Stream& stream, Bytes bytes) {
    if (by_size) return rate_of(stream).time_for(bytes);
    if (bytes != known_bytes) {
        known_bytes = bytes;
        known_time = rate.time_for(bytes);
    }
    return known_time;
}

Fabric::Fabric(const NetworkConfig& network, const Topology& topology)
    : network_(network),
      channels_per_link_(network.router.virtual_channels),
      channel_bits_(static_cast<int>(std::bit_width(static_cast<unsigned>(channels_per_link_ - 1)))),
      services_(topology.links().size()),
      channels_(std::allocator<Channel>().allocate(topology.links().size() << channel_bits_)),
      sources_(topology.links().size() * traffic_classes) {
    links_.reserve(topology.links().size());
    for (const LinkSpec& link : topology.links())
        links_.emplace_back(link, network, topology.two_classes(link.network));
}

Fabric::~Fabric() {
    for (std::size_t i = 0; i < links_.size(); ++i)
        if (links_[i].made) std::destroy_n(channels_ + first_channel(i), channels_per_link_);
    std::allocator<Channel>().deallocate(channels_, links_.size() << channel_bits_);
}

void Fabric::make_channels(std::size_t number) {
    LinkState& link = links_[number];
    link.made = true;
    link.free = ~std::uint64_t{0} >> (64 - channels_per_link_);
    for (int i = 0; i < channels_per_link_; ++i)
        std::construct_at(channels_ + first_channel(number) + i)->credit = link.buffer;
}

void Fabric::record(std::size_t link, ComponentId id, Recorder* recorder) {
    links_[link].carried.component = id;
    if (!recorder) return;
    (recorder->follows_packets() ? links_[link].each : links_[link].total) = recorder;
}

void Fabric::report() {
    for (const LinkState& link : links_)
        if (link.total && link.carried.activities > 0) link.total->carried(link.carried);
}

Bytes Fabric::bytes_moved(std::size_t number, Picoseconds now) {
    LinkState& link = links_[number];
    Bytes to_come;
    link.turns.visit_left(now, [&](int who, Picoseconds left) {
        // Turns that it will lose are among those left; what it sends comes last.
        const Rate rate = link.rate_of(*packets_[static_cast<std::size_t>(channel(who).holder)].stream);
        const auto bytes = static_cast<std::uint64_t>(to_nanoseconds(left) * rate.gbytes_per_s() + 0.5);
        to_come += std::min(channel(who).sending, Bytes(bytes));
    });
    return link.carried.bytes - to_come;
}

void Fabric::serve_link(std::size_t number) {
    Service& service = services_[number];
    if (service.posted != now_) return;  // somebody who joined later was to finish before
    service.posted = Picoseconds::max();
    if (service.due > now_) return post_service(number, service.due);  // who joined later delays the others
    LinkState& link = links_[number];
    for (int who = link.turns.take_finished(now_); who != Turns::nobody; who = link.turns.take_finished(now_)) {
        Channel& finished = channel(who);
        if (finished.unsent > Bytes()) {
            send(who);
        } else {
            finished.served = true;
            maybe_leave(who);
        }
    }
    post_service(number, link.turns.next_finish());
}

void Fabric::post_service(std::size_t number, Picoseconds due) {
    Service& service = services_[number];
    service.due = due;
    // An event too early looks again when it comes.
    if (due >= service.posted) return;
    service.posted = due;
    calendar_.post(due, EventKind::service, static_cast<std::uint32_t>(number));
}

void Fabric::collect(Channel& channel) {
    while (!channel.releases.empty() && channel.releases.front().when <= now_) {
        channel.credit += channel.releases.pop().bytes;
    }
}

void Fabric::wake(std::int32_t number, Picoseconds when) {
    Channel& stalled = channel(number);
    if (when >= stalled.wakes && stalled.wakes > now_) return;
    stalled.wakes = when;
    calendar_.post(when, EventKind::credit, static_cast<std::uint32_t>(number));
}

void Fabric::begin(std::int32_t number, std::int32_t packet_number, std::int32_t input, Picoseconds wanted) {
    Channel& taken = channel(number);
    const Packet& packet = packets_[static_cast<std::size_t>(packet_number)];
    ++packet_hops_;
    taken.holder = packet_number;
    links_[link_of(number)].free &= ~bit_of(number);
    taken.input = input;
    taken.onward = taken.beside = none;
    const bool ends = packet.hops_left == 0;
    taken.branches = ends && packet.stream->copies;
    taken.final_hop = ends && !taken.branches;
    taken.takes_credits = !taken.final_hop || !links_[link_of(number)].covers_round_trip;
    taken.head_sent = taken.registered = taken.stalled = taken.served = false;
    taken.tail_known = true;
    taken.tail_from = input < 0 ? now_ : std::max(now_, channel(input).queue.front().tail);
    taken.rest_from = Picoseconds();
    if (input >= 0) {
        taken.rest_from = channel(input).queue.front().rest_from;
        taken.rest = channel(input).queue.front().rest;
    }
    taken.wanted = wanted;
    taken.unsent = Bytes(packet.bytes);
    // Is the tail of what it sends still on the way into that buffer?
    if (input >= 0 && channel(input).holder == channel(input).queue.front().packet) {
        taken.tail_known = false;
        taken.beside = std::exchange(channel(input).onward, number);
    }
    send(number);
    post_service(link_of(number), links_[link_of(number)].turns.next_finish());
}

Bytes Fabric::may_send(const Channel& sender) {
    Bytes bytes = sender.unsent;
    if (sender.takes_credits) bytes = std::min(bytes, sender.credit);
    // What has not arrived at the router cannot go on: of the channel behind, what is still to be sent and what was
    // sent last.
    Bytes missing = sender.tail_known ? Bytes() : channel(sender.input).unsent;
    if (rest_from(sender) > now_) missing += sender.tail_known ? sender.rest : channel(sender.input).sending;
    return std::min(bytes, sender.unsent - std::min(missing, sender.unsent));
}

void Fabric::send(std::int32_t number) {
    Channel& sender = channel(number);
    LinkState& link = links_[link_of(number)];
    if (sender.takes_credits) collect(sender);
    const Bytes bytes = may_send(sender);
    sender.stalled = bytes == Bytes();
    if (sender.stalled) {
        if (lacks_credits(sender)) {
            if (!sender.releases.empty()) wake(number, sender.releases.front().when);
        } else if (rest_from(sender) > now_) {
            wake(number, rest_from(sender));
        }
        return;
    }
    const bool first = !sender.head_sent;
    const Stream& stream = *packets_[static_cast<std::size_t>(sender.holder)].stream;
    const Picoseconds work = link.time_for(stream, bytes);
    Picoseconds lost;
    if (first) lost = lost_turns(number);
    sender.unsent -= bytes;
    if (sender.takes_credits) sender.credit -= bytes;
    sender.sending = bytes;
    // For the record: activities one after the other.
    const Picoseconds begin = std::max(now_, link.carried.last_end), wanted = first ? sender.wanted : now_;
    link.carried.add(begin, begin + work, wanted, bytes);
    if (link.each)
        link.each->activity(
            {link.carried.component, begin, begin + work, wanted, bytes, 0, stream.command, "packet"});
    const std::size_t others = link.turns.size();
    sender.head = link.turns.join(number, work + lost, now_);
    if (sender.final_hop && sender.takes_credits) {
        // Nothing stops it there: its flits leave the buffer as they come, the first behind its head's way through
        // the router.
        release(number, bytes, arrival_of_last(number) + (first ? link.look : Picoseconds()) + link.credit_return);
    }
    if (sender.input >= 0) {
        const Picoseconds shared = work > link.flit_time ? (work - link.flit_time) * others : Picoseconds();
        LinkState& before = links_[link_of(sender.input)];
        const bool slower = before.flit_time < link.flit_time;
        free_behind(number, bytes, shared, work, slower ? before.time_for(stream, bytes) : work);
    }
    if (first) return send_head(number);
    for (std::int32_t at = sender.onward; at != none; at = channel(at).beside)
        if (channel(at).stalled && !lacks_credits(channel(at))) wake(at, arrival_of_last(number));
}

void Fabric::send_head(std::int32_t number) {
    Channel& sender = channel(number);
    sender.head_sent = true;
    if (sender.input < 0) packets_[static_cast<std::size_t>(sender.holder)].stream->entered = sender.head;
    if (sender.final_hop) return;
    sender.queue.push({sender.holder, arrival_of_last(number), {}, {}, {}});
    if (sender.queue.size() == 1) ready_first(number);
}

void Fabric::ready_first(std::int32_t number) {
    Channel& buffer = channel(number);
    if (buffer.queue.empty()) return;
    calendar_.post(std::max(now_, buffer.queue.front().head) + network_.router.before_switch(), EventKind::look,
                   static_cast<std::uint32_t>(number));
}

void Fabric::look_at_first(std::int32_t number) {
    Channel& buffer = channel(number);
    const std::int32_t first = buffer.queue.front().packet;
    Packet& packet = packets_[static_cast<std::size_t>(first)];
    if (packet.hops_left == 0) return branch(number);
    --packet.hops_left;
    ++packet.hop;
    ask(number, first);
}

void Fabric::ask(std::int32_t input, std::int32_t packet) {
    const Hop& hop = *packets_[static_cast<std::size_t>(packet)].hop;
    if (links_[hop.link].waiting[hop.channel_class].empty()) {
        const std::int32_t taken = pick(hop.link, hop.channel_class, false);
        if (taken != none) {
            begin(taken, take_first(input, hop.link), input, now_);
            return;
        }
    } else {
        post_allocation(hop.link, now_);  // those before it may be waiting for room, which a packet does not need
    }
    wait_for_channel(hop.link, hop.channel_class, input);
}

void Fabric::maybe_leave(std::int32_t number) {
    const Channel& leaving = channel(number);
    if (!leaving.tail_known) return;
    if (leaving.tail_from > now_) {
        calendar_.post(leaving.tail_from, EventKind::tail, static_cast<std::uint32_t>(number));
        return;
    }
    leave(number);
}

void Fabric::leave(std::int32_t number) {
    const std::size_t link_number = link_of(number);
    LinkState& link = links_[link_number];
    Channel& left = channel(number);
    // What comes next may take the channel again, or end the stream's life.
    const std::int32_t packet_number = left.holder, input = left.input, onward = left.onward;
    const Packet packet = packets_[static_cast<std::size_t>(packet_number)];
    const bool delivered = left.final_hop;
    Stream* const end_of_copies = left.branches ? packet.stream->end_of_copies : nullptr;
    left.holder = none;
    link.free |= bit_of(number);
    left.free_since = now_;
    if (left.registered) remove_competitor(input, link_number);
    const Picoseconds rest_from = left.head + link.hop;
    const Bytes rest = left.sending;
    if (!delivered) {
        Arrival& arrival = left.queue.back();
        arrival.tail = now_ + link.hop;
        arrival.rest_from = rest_from;
        arrival.rest = rest;
    }
    if (!link.waiting[0].empty() || !link.waiting[1].empty()) post_allocation(link_number, now_ + link.allocation);
    if (input >= 0) {
        if (all_have_left(input, packet_number)) {
            channel(input).queue.pop();
            ready_first(input);
        }
    } else {
        const auto from = static_cast<std::size_t>(-1 - input);
        sources_[from].busy = false;
        if (packet.last) tell({packet.stream, packet.stream->client, now_, Bytes(), News::left});
        look_at_source(from);
    }
    for (std::int32_t at = onward, beside = none; at != none; at = beside) {
        Channel& next = channel(at);
        beside = next.beside;
        next.tail_known = true;
        next.tail_from = std::max(next.tail_from, now_ + link.hop);
        next.rest_from = rest_from;
        next.rest = rest;
        if (next.served) maybe_leave(at);
    }
    if (delivered) {
        free_packets_.push_back(packet_number);
        arrived(*packet.stream, Bytes(packet.bytes), now_ + link.delivery);
    } else if (end_of_copies) {
        arrived(*end_of_copies, Bytes(packet.bytes), now_ + link.delivery);
    }
}

void Fabric::arrived(Stream& stream, Bytes bytes, Picoseconds when) {
    stream.arrived += bytes;
    tell({&stream, stream.client, when, bytes, stream.arrived == stream.size ? News::complete : News::packet});
}

}  // namespace tilemesh::noc
