// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/message_channel.h"

#include "sim/base/error.h"
#include "sim/noc/sim_time.h"
#include "sim/pe/multicast.h"
#include "sim/pe/processing_element.h"

#include <algorithm>

namespace tilemesh::pe {

MessageChannel::MessageChannel(noc::Network& network, ProcessingElement& from, ProcessingElement& to)
    : network_(network),
      from_(from),
      to_(to),
      receives_at_(network.choice(from.number(), to.number(), any_network)),
      lanes_(static_cast<std::size_t>(network.topology().networks())),
      jitter_(from.surroundings().jitter) {}

MessageChannel::Lane::Lane(MessageChannel& the_channel, int number)
    : channel(the_channel),
      network(number),
      route(channel.network_.route(channel.from_.number(), channel.to_.number(), number)),
      // Credits travel back in the network that the data came over; the shortest time keeps them from acting within
      // their own instant.
      credit_latency(std::max(channel.network_.head_latency(channel.to_.number(), channel.from_.number(), number),
                              Picoseconds(1))),
      credits(channel.network_.config().receive_buffer) {}

void MessageChannel::Lane::stream_left(Picoseconds when) { channel.from_.send_left(route[0].link, when); }

MessageChannel::Lane& MessageChannel::lane_of(int network) {
    std::unique_ptr<Lane>& lane = lanes_[static_cast<std::size_t>(network)];
    if (!lane) lane = std::make_unique<Lane>(*this, network);
    return *lane;
}

void MessageChannel::announce_send(const Command& command) {
    const Announced send{command.moved->message, command.dtype, command.index, command.place};
    const std::uint64_t sequence = sends_.issued++;
    lane_of(command.network).announced.push(sequence);
    if (receives_.unmatched.empty()) {
        sends_.unmatched.push(send);
        return;
    }
    const Announced receive = receives_.unmatched.pop();
    compare(send, receive, sequence);
}

void MessageChannel::announce_receive(const Command& command) {
    const Announced receive{command.moved->message, command.dtype, command.index, command.place};
    const std::uint64_t sequence = receives_.issued++;
    if (sends_.unmatched.empty()) {
        receives_.unmatched.push(receive);
        return;
    }
    const Announced send = sends_.unmatched.pop();
    compare(send, receive, sequence);
}

void MessageChannel::compare(const Announced& send, const Announced& receive, std::uint64_t sequence) const {
    if (send.shape == receive.shape && send.dtype == receive.dtype) return;
    fail<KernelError>(
        "kernel {}: message {} from {} to {}: sent as {} {} (command {}), received as {} {} (command {})",
        from_.processor().kernel_name(), sequence, from_.path(), to_.path(), name_of(send.dtype), send.shape.text(),
        send.command, name_of(receive.dtype), receive.shape.text(), receive.command);
}

SourcePlace MessageChannel::unmatched() const {
    const Side& side = sends_.unmatched.empty() ? receives_ : sends_;
    return side.unmatched.empty() ? SourcePlace() : side.unmatched.front().place;
}

Picoseconds MessageChannel::time_on_first_link(int network, Bytes bytes) {
    return network_.topology().links()[lane_of(network).route.front().link].config.rate_for(bytes).time_for(bytes);
}

void MessageChannel::start_send(int network, Bytes bytes, PayloadPtr values, std::uint64_t command) {
    network_.inject(begin_message(network, bytes, std::move(values), command).stream, noc::TrafficClass::message);
}

noc::Stream& MessageChannel::join_multicast(std::shared_ptr<Multicast> multicast, int network, Bytes bytes,
                                            PayloadPtr values, std::uint64_t command, bool copied) {
    Message& message = begin_message(network, bytes, std::move(values), command);
    if (copied) copied_ += bytes;
    message.part_of = std::move(multicast);
    return message.stream;
}

MessageChannel::Message& MessageChannel::message_at(std::uint64_t sequence) {
    while (sequence - taken_ >= messages_.size()) messages_.push(std::make_unique<Message>());
    return *messages_[sequence - taken_];
}

MessageChannel::Message& MessageChannel::begin_message(int network, Bytes bytes, PayloadPtr values,
                                                       std::uint64_t command) {
    Lane& own = lane_of(network);
    const std::uint64_t sequence = own.announced.pop();
    if (from_.surroundings().asker) own.leaving.push(sequence);
    ++sends_started_;
    Message& begun = message_at(sequence);
    begun.lane = &own;
    begun.values = std::move(values);
    sent_ += bytes;
    noc::Stream& stream = begun.stream;
    stream.route = &own.route;
    stream.size = bytes;
    stream.available_from = stream.available_until = simulated_now();
    stream.client = &own;
    stream.credits = &own.credits;
    stream.tag = sequence;
    stream.command = command;
    return begun;
}

void MessageChannel::give_back(Lane& lane, Bytes bytes, Picoseconds when) {
    lane.credits.give_back(bytes, when + lane.credit_latency);
    network_.look_again(lane.route, when + lane.credit_latency);
}

void MessageChannel::post_receive(Picoseconds now) {
    Message& next = message_at(receives_posted_++);
    next.posted = true;
    next.posted_at = now;
    for (const Arrival& arrival : next.unclaimed) give_back(*next.lane, arrival.bytes, std::max(arrival.when, now));
    next.unclaimed.clear();
    if (next.complete) finish_front();
}

void MessageChannel::bytes_arrived(Lane& lane, noc::Stream& stream, Bytes bytes, Picoseconds when, bool last) {
    Message& message = *messages_[stream.tag - taken_];
    if (jitter_) {  // who comes late holds up those behind
        const auto pair =
            static_cast<std::uint64_t>(from_.number()) << 16U | static_cast<std::uint64_t>(to_.number());
        const std::uint64_t packet = static_cast<std::uint64_t>(lane.network) << 56U | lane.packets_arrived++;
        when += jitter_.of(Jitter::Part::link, pair << 32U, packet);
        when = lane.latest_arrival = std::max(when, lane.latest_arrival);
    }
    if (stream.arrived == bytes) message.first_at = when;
    if (message.posted) {
        give_back(lane, bytes, std::max(when, message.posted_at));
    } else {
        message.unclaimed.push_back({when, bytes});
    }
    if (!last) return;
    message.complete = true;
    message.complete_at = when;
    if (Follower* const follower = from_.surroundings().follower)
        follower->message_arrived(from_.number(), to_.number(), stream.tag, when);
    if (message.posted) finish_front();
}

void MessageChannel::finish_front() {
    // Receives are posted one after another, so the posted and complete message is the oldest.
    const std::unique_ptr<Message> taken = messages_.pop();
    Message& message = *taken;
    ++taken_;
    received_ += message.stream.size;
    const Picoseconds done = std::max(message.posted_at, message.complete_at);
    const noc::Route& way = network_.route(from_.number(), to_.number(), receives_at_);
    to_.receive_done(way.back().link, std::max(message.posted_at, std::min(message.first_at, done)), done,
                     std::move(message.values));
}

}  // namespace tilemesh::pe
