// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/link.h"

#include "sim/noc/sim_time.h"

#include <algorithm>

namespace tilemesh::noc {

Link::Link(sc_core::sc_module_name name, const LinkSpec& spec, const NetworkConfig& network, ComponentId id,
           Recorder* recorder)
    : sc_module(name), spec_(spec), network_(network), id_(id), recorder_(recorder) {
    for (InputBuffer& buffer : buffers_) buffer.upstream = this;
    SC_METHOD(serve);
    dont_initialize();
    sensitive << wake_;
}

void Link::poke(Picoseconds when) {
    const Picoseconds now = simulated_now();
    if (when <= now) {
        wake_.notify(sc_core::SC_ZERO_TIME);
    } else {
        wake_.notify(to_sc_time(when - now));
    }
}

void Link::inject(Stream& stream, TrafficClass traffic) {
    Injection& injection = injections_[static_cast<std::size_t>(traffic)];
    if (injection.streams.empty()) injection.changed = sc_core::sc_delta_count();
    injection.streams.push(&stream);
    poke(stream.available_from + network_.router_latency);
}

void Link::serve() {
    const Picoseconds now = simulated_now();
    if (now < free_at_) {
        poke(free_at_);
        return;
    }
    const std::uint64_t delta = sc_core::sc_delta_count();
    const std::size_t inputs = inputs_.size() + injections_.size();
    Picoseconds again = Picoseconds::max();
    for (std::size_t i = 0; i < inputs; ++i) {
        std::size_t at = turn_ + i;
        if (at >= inputs) at -= inputs;
        const bool granted = at < inputs_.size() ? try_input(*inputs_[at], now, delta, again)
                                                 : try_injection(injections_[at - inputs_.size()], now, delta, again);
        if (granted) {
            turn_ = at + 1 == inputs ? 0 : at + 1;
            again = free_at_;
            break;
        }
    }
    if (again != Picoseconds::max()) poke(again);
}

bool Link::has_room(Bytes bytes, const Stream& stream, std::size_t hop, Picoseconds now, Picoseconds& again) {
    if (hop + 1 == stream.route->size()) return true;  // the receiving PE takes it
    InputBuffer& buffer = buffers_[(*stream.route)[hop].virtual_channel];
    while (!buffer.releases.empty() && buffer.releases.front().when <= now) {
        buffer.occupied -= buffer.releases.pop().bytes;
    }
    if (buffer.occupied + bytes <= spec_.config.buffer) return true;
    if (!buffer.releases.empty()) again = std::min(again, buffer.releases.front().when);
    return false;
}

bool Link::try_input(InputBuffer& input, Picoseconds now, std::uint64_t delta, Picoseconds& again) {
    if (input.packets.empty()) return false;
    const Packet& packet = input.packets.front();
    if ((*links_)[(*packet.stream->route)[packet.hop].link] != this) return false;
    if (input.changed == delta) {
        again = std::min(again, now);
        return false;
    }
    if (packet.head > now) {
        again = std::min(again, packet.head);
        return false;
    }
    if (!has_room(Bytes(packet.bytes), *packet.stream, packet.hop, now, again)) return false;
    wanted_ = packet.head;
    const Packet moving = input.packets.pop();
    input.changed = delta;
    const Picoseconds left = grant(moving, now, delta);
    input.releases.push({left, Bytes(moving.bytes)});
    input.upstream->poke(left);
    if (!input.packets.empty()) {
        const Packet& next = input.packets.front();
        (*links_)[(*next.stream->route)[next.hop].link]->poke(next.head);
    }
    return true;
}

bool Link::try_injection(Injection& injection, Picoseconds now, std::uint64_t delta, Picoseconds& again) {
    if (injection.streams.empty()) return false;
    if (injection.changed == delta) {
        again = std::min(again, now);
        return false;
    }
    Stream& stream = *injection.streams.front();
    Packet packet;
    packet.stream = &stream;
    packet.bytes = static_cast<std::uint32_t>(std::min(network_.packet, stream.size - stream.injected).value());
    packet.last = stream.injected.value() + packet.bytes == stream.size.value();
    // A packet enters when all its bytes are there; they become available at a steady pace.
    const double part =
        static_cast<double>(stream.injected.value() + packet.bytes) / static_cast<double>(stream.size.value());
    const Picoseconds span = stream.available_until - stream.available_from;
    packet.head = stream.available_from +
                  Picoseconds(static_cast<std::uint64_t>(static_cast<double>(span.value()) * part)) +
                  network_.router_latency;
    packet.tail = packet.head;
    if (packet.head > now) {
        again = std::min(again, packet.head);
        return false;
    }
    if (stream.credits && !stream.credits->room(Bytes(packet.bytes), now)) {
        again = std::min(again, stream.credits->next_return());
        return false;
    }
    if (!has_room(Bytes(packet.bytes), stream, 0, now, again)) return false;
    if (stream.credits) stream.credits->take(Bytes(packet.bytes));
    wanted_ = packet.head;
    stream.injected += Bytes(packet.bytes);
    if (packet.last) {
        injection.streams.pop();
        injection.changed = delta;
    }
    // Delivering the last packet may end the stream's life.
    StreamClient* const client = stream.client;
    const Picoseconds left = grant(packet, now, delta);
    if (packet.last) client->stream_left(left);
    return true;
}

Picoseconds Link::grant(const Packet& packet, Picoseconds now, std::uint64_t delta) {
    const Picoseconds end = std::max(now + spec_.config.rate.time_for(Bytes(packet.bytes)), packet.tail);
    free_at_ = end;
    moved_ += Bytes(packet.bytes);
    Stream& stream = *packet.stream;
    if (recorder_) {
        recorder_->activity({id_, now, end, wanted_, Bytes(packet.bytes), 0, stream.command, "packet"});
    }
    const Picoseconds ahead = spec_.config.latency + network_.router_latency;
    if (packet.hop + 1U == stream.route->size()) {
        stream.arrived += Bytes(packet.bytes);
        stream.client->bytes_arrived(stream, Bytes(packet.bytes), end + ahead, packet.last);
        return end;
    }
    InputBuffer& buffer = buffers_[(*stream.route)[packet.hop].virtual_channel];
    buffer.occupied += Bytes(packet.bytes);
    if (buffer.packets.empty()) buffer.changed = delta;
    Packet next = packet;
    ++next.hop;
    next.head = now + ahead;
    next.tail = end + ahead;
    const bool front = buffer.packets.empty();
    buffer.packets.push(next);
    if (front) (*links_)[(*stream.route)[next.hop].link]->poke(next.head);
    return end;
}

}  // namespace tilemesh::noc
