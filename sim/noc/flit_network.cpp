// SPDX-License-Identifier: Apache-2.0
// The interfaces of the cores: requests of their own, requests taken in, answers. Routers are in flit_router.cpp.
#include "sim/noc/flit_network.h"

#include <algorithm>
#include <utility>

namespace tilemesh::noc {

FlitNetwork::FlitNetwork(const FlitNetworkConfig& config, const GridConfig& grid, NodeMemories& memory)
    : config_(config),
      routes_(config, grid),
      memory_(memory),
      per_side_(config.channels_per_side()),
      channels_(2 * per_side_),
      places_(outputs * channels_) {
    const auto nodes = static_cast<std::size_t>(grid.nodes()), channels = static_cast<std::size_t>(channels_);
    inputs_.resize(nodes * static_cast<std::size_t>(places_));
    waiting_.assign(nodes, 0);
    holder_.assign(nodes * outputs * channels, -1);
    credit_.assign(nodes * outputs * channels, config.buffer);
    turn_.assign(nodes * outputs, 0);
    moved_.assign(nodes * outputs, 0);
    interfaces_.resize(nodes);
    for (std::size_t node = 0; node < nodes; ++node) {
        Interface& interface = interfaces_[node];
        const PortRates port = config.port_of(static_cast<int>(node));
        interface.in = Pace(port.receive);
        interface.out = Pace(port.send);
        interface.begun.assign(static_cast<std::size_t>(config.answers), 0);
        interface.senders.resize(1 + static_cast<std::size_t>(config.answers));
        interface.requests.resize(static_cast<std::size_t>(config.answers));
        interface.taken_in.assign(2 * static_cast<std::size_t>(config.request_channels), 0);
        interface.credit.assign(channels, config.buffer);
        interface.held.assign(channels, 0);
    }
}

std::uint32_t FlitNetwork::make_packet(const Packet& packet) {
    if (free_packets_.empty()) {
        packets_.push_back(packet);
        return static_cast<std::uint32_t>(packets_.size() - 1);
    }
    const std::uint32_t number = free_packets_.back();
    free_packets_.pop_back();
    packets_[number] = packet;
    return number;
}

void FlitNetwork::issue(const Access& access) {
    if (free_accesses_.empty()) {
        free_accesses_.push_back(static_cast<std::uint32_t>(accesses_.size()));
        accesses_.emplace_back();
    }
    const std::uint32_t number = free_accesses_.back();
    free_accesses_.pop_back();
    Interface& interface = interfaces_[index(access.core)];
    std::uint64_t packets = 0;
    for (Bytes left = access.bytes; left > Bytes(); ++packets) {
        const Bytes payload = std::min(left, config_.packet);
        left -= payload;
        const std::uint64_t data = config_.flits_of(payload), bare = config_.header;
        interface.commands.push(make_packet(
            {access.core, access.other, access.write ? data : bare, access.write ? bare : data, true, number, none}));
        ++interface.busy;
    }
    accesses_[number] = {access, packets};
}

void FlitNetwork::return_credits(Cycle now) {
    while (!returning_.empty() && returning_.front().when <= now) {
        changed_ = true;
        const std::size_t channel = returning_.pop().channel, channels = static_cast<std::size_t>(channels_);
        if (channel < credit_.size()) {
            ++credit_[channel];
        } else {
            ++interfaces_[(channel - credit_.size()) / channels].credit[(channel - credit_.size()) % channels];
        }
    }
}

bool FlitNetwork::can_answer(int node, Interface& interface, std::size_t sender, Cycle now, Cycle& ready) {
    RingQueue<Coming>& requests = interface.requests[sender];
    if (memory_.is_core(node)) {
        // One after the other: the memory begins when the answer before has left.
        ready = now + config_.memory;
        if (requests.empty() || requests.front().when > now) return false;
        --interface.taken_in[requests.front().channel];
        return true;
    }
    std::size_t& begun = interface.begun[sender];
    for (; begun < requests.size() && memory_.begins(requests[begun].asked) <= now; ++begun) {
        --interface.taken_in[requests[begun].channel];
        changed_ = true;
    }
    if (begun == 0) return false;
    ready = memory_.answer_is_there(node, requests.front().asked);
    if (ready > now) return false;
    --begun;
    return true;
}

void FlitNetwork::take_next(int node, Interface& interface, Cycle now) {
    for (std::size_t i = 0; i < interface.senders.size(); ++i) {
        Sender& sender = interface.senders[i];
        if (sender.packet != none) continue;
        Cycle ready = 0;
        if (i == 0) {
            if (!interface.commands.empty()) sender = {interface.commands.pop(), 0, now, -1};
        } else if (can_answer(node, interface, i - 1, now, ready)) {
            sender = {interface.requests[i - 1].pop().packet, 0, ready, -1};
        }
        changed_ = changed_ || sender.packet != none;
    }
}

void FlitNetwork::take_channel(Interface& interface, Sender& sender) {
    const bool request = packets_[sender.packet].request;
    const int count = request ? config_.request_channels : config_.data_channels;
    for (int i = 0; i < count; ++i) {
        const int channel = channel_of(0, request, i);
        if (interface.held[index(channel)]) continue;
        interface.held[index(channel)] = 1;
        changed_ = true;
        sender.channel = channel;
        return;
    }
}

void FlitNetwork::send(Cycle now) {
    return_credits(now);
    const int nodes = static_cast<int>(interfaces_.size());
    for (int node = 0; node < nodes; ++node) {
        Interface& interface = interfaces_[index(node)];
        if (interface.busy == 0) continue;
        take_next(node, interface, now);
        const std::size_t count = interface.senders.size();
        for (std::size_t i = 0; i < count; ++i) {
            Sender& sender = interface.senders[(interface.turn + i) % count];
            if (sender.packet != none && sender.channel < 0 && sender.ready <= now) take_channel(interface, sender);
        }
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t place = (interface.turn + i) % count;
            if (!send_flit(node, interface.senders[place], now)) continue;
            interface.turn = (place + 1) % count;
            break;
        }
    }
}

bool FlitNetwork::send_flit(int node, Sender& sender, Cycle now) {
    if (sender.packet == none || sender.channel < 0 || sender.ready > now) return false;
    Interface& interface = interfaces_[index(node)];
    const Packet& packet = packets_[sender.packet];
    std::uint64_t& credit = interface.credit[index(sender.channel)];
    const bool payload = sender.sent >= config_.header;
    if (credit == 0 || !interface.out.free(now)) return false;
    if (payload) {
        if (!memory_.free(node, NodeMemories::out, now)) return false;
        memory_.move(node, NodeMemories::out, config_.flit, now);
    }
    changed_ = true;
    interface.out.take(1.0, now);
    --credit;
    ++interface.sent;
    const bool tail = sender.sent + 1 == packet.flits;
    push(index(node), local, sender.channel,
         {now + config_.interface, sender.packet, sender.sent == 0, tail, payload});
    ++sender.sent;
    if (tail) {
        if (packet.asked != none) memory_.answered(node, packet.asked, now);
        interface.held[index(sender.channel)] = 0;
        sender.packet = none;
        --interface.busy;
    }
    return true;
}

void FlitNetwork::deliver(int node, int channel, const Flit& flit, Cycle now) {
    Interface& interface = interfaces_[index(node)];
    interface.in.take(1.0, now);
    if (flit.payload) memory_.move(node, NodeMemories::in, config_.flit, now);
    if (!flit.tail) return;
    Packet& packet = packets_[flit.packet];
    if (!packet.request) {
        finishing_.push({now + config_.interface, flit.packet, 0, none});
        return;
    }
    const Cycle there = now + config_.interface;
    const std::uint32_t asked = memory_.is_core(node) ? none : memory_.come(node, there);
    packet = {packet.to, packet.from, packet.answer, 0, false, packet.access, asked};
    const std::size_t place = place_of(channel);
    interface.requests[place % interface.requests.size()].push({there, flit.packet, place, asked});
    ++interface.taken_in[place];
    ++interface.busy;
}

bool FlitNetwork::take_finished(Cycle now, std::uint32_t& tag) {
    while (!finishing_.empty() && finishing_.front().when <= now) {
        const std::uint32_t packet = finishing_.pop().packet, number = packets_[packet].access;
        free_packets_.push_back(packet);
        Open& open = accesses_[number];
        if (--open.packets > 0) continue;
        tag = open.access.tag;
        free_accesses_.push_back(number);
        return true;
    }
    return false;
}

Cycle FlitNetwork::next_cycle(Cycle now) {
    // What was done may let others go on; else all wait for a time that is known.
    return std::exchange(changed_, false) ? now + 1 : next_time(now);
}

Cycle FlitNetwork::next_time(Cycle now) const {
    Cycle next = NodeMemories::never;
    const auto at = [&](Cycle when) {
        if (when > now) next = std::min(next, when);
    };
    if (!returning_.empty()) at(returning_.front().when);
    if (!finishing_.empty()) at(finishing_.front().when);
    for (std::size_t node = 0; node < interfaces_.size(); ++node) {
        const Interface& interface = interfaces_[node];
        const int number = static_cast<int>(node);
        at(interface.in.free_from(now, NodeMemories::never));
        at(interface.out.free_from(now, NodeMemories::never));
        at(memory_.free_from(number, now));
        for (const Sender& sender : interface.senders)
            if (sender.packet != none) at(sender.ready);
        for (std::size_t i = 0; i < interface.requests.size(); ++i) {
            const RingQueue<Coming>& requests = interface.requests[i];
            if (requests.empty()) continue;
            at(requests.front().when);
            if (memory_.is_core(number)) continue;
            at(memory_.answer_is_there(number, requests.front().asked));
            if (interface.begun[i] < requests.size()) at(memory_.begins(requests[interface.begun[i]].asked));
        }
        for (std::uint64_t left = waiting_[node]; left != 0; left &= left - 1)
            at(input_at(node, std::countr_zero(left)).flits.front().ready);
    }
    return next;
}

}  // namespace tilemesh::noc
