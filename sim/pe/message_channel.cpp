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
      route_(network.route(from.number(), to.number())),
      // Credits travel back the way the data came; the shortest time keeps them from acting within their own instant.
      credit_latency_(std::max(network.head_latency(to.number(), from.number()), Picoseconds(1))),
      credits_(network.config().receive_buffer),
      jitter_(from.surroundings().jitter) {}

void MessageChannel::announce_send(const Command& command) {
    const Announced send{command.message, command.dtype, command.index, command.place};
    const std::uint64_t sequence = sends_.issued++;
    if (receives_.unmatched.empty()) {
        sends_.unmatched.push_back(send);
        return;
    }
    const Announced receive = receives_.unmatched.front();
    receives_.unmatched.pop_front();
    compare(send, receive, sequence);
}

void MessageChannel::announce_receive(const Command& command) {
    const Announced receive{command.message, command.dtype, command.index, command.place};
    const std::uint64_t sequence = receives_.issued++;
    if (sends_.unmatched.empty()) {
        receives_.unmatched.push_back(receive);
        return;
    }
    const Announced send = sends_.unmatched.front();
    sends_.unmatched.pop_front();
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

Picoseconds MessageChannel::time_on_first_link(Bytes bytes) const {
    return network_.topology().links()[route_.front().link].config.rate_for(bytes).time_for(bytes);
}

void MessageChannel::start_send(Bytes bytes, PayloadPtr values, std::uint64_t command) {
    network_.inject(begin_message(bytes, std::move(values), command).stream, noc::TrafficClass::message);
}

noc::Stream& MessageChannel::join_multicast(std::shared_ptr<Multicast> multicast, Bytes bytes, PayloadPtr values,
                                            std::uint64_t command, bool copied) {
    Message& message = begin_message(bytes, std::move(values), command);
    if (copied) copied_ += bytes;
    message.part_of = std::move(multicast);
    return message.stream;
}

MessageChannel::Message& MessageChannel::begin_message(Bytes bytes, PayloadPtr values, std::uint64_t command) {
    const std::uint64_t place = sends_started_++ - taken_;
    if (place >= messages_.size()) messages_.emplace_back();
    Message& message = messages_[place];
    message.values = std::move(values);
    sent_ += bytes;
    noc::Stream& stream = message.stream;
    stream.route = &route_;
    stream.size = bytes;
    stream.available_from = stream.available_until = simulated_now();
    stream.client = this;
    stream.credits = &credits_;
    stream.tag = taken_ + place;
    stream.command = command;
    return message;
}

void MessageChannel::give_back(Bytes bytes, Picoseconds when) {
    credits_.give_back(bytes, when + credit_latency_);
    network_.look_again(route_, when + credit_latency_);
}

void MessageChannel::post_receive(Picoseconds now) {
    const std::uint64_t place = receives_posted_++ - taken_;
    if (place >= messages_.size()) messages_.emplace_back();
    Message& message = messages_[place];
    message.posted = true;
    message.posted_at = now;
    for (const Arrival& arrival : message.unclaimed) give_back(arrival.bytes, std::max(arrival.when, now));
    message.unclaimed.clear();
    if (message.complete) finish_front();
}

void MessageChannel::stream_left(Picoseconds when) { from_.send_left(route_[0].link, when); }

void MessageChannel::bytes_arrived(noc::Stream& stream, Bytes bytes, Picoseconds when, bool last) {
    Message& message = messages_[stream.tag - taken_];
    if (jitter_) {  // who comes late holds up those behind
        const auto pair =
            static_cast<std::uint64_t>(from_.number()) << 16U | static_cast<std::uint64_t>(to_.number());
        when += jitter_.of(Jitter::Part::link, pair << 32U, packets_arrived_++);
        when = latest_arrival_ = std::max(when, latest_arrival_);
    }
    if (stream.arrived == bytes) message.first_at = when;
    if (message.posted) {
        give_back(bytes, std::max(when, message.posted_at));
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
    Message message = std::move(messages_.front());
    messages_.pop_front();
    ++taken_;
    received_ += message.stream.size;
    const Picoseconds done = std::max(message.posted_at, message.complete_at);
    to_.receive_done(route_.back().link, std::max(message.posted_at, std::min(message.first_at, done)), done,
                     std::move(message.values));
}

}  // namespace tilemesh::pe
