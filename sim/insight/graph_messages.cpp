// SPDX-License-Identifier: Apache-2.0
// Messages, their credits, and links that several use.
#include "sim/insight/graph.h"

#include <algorithm>

namespace tilemesh::insight {

void Graph::pin_scaled(Moment& moment, Picoseconds when, const Clocks& scale, const Moment& not_before) {
    const double measured = static_cast<double>(when.value()) - static_cast<double>(moment.at(0));
    for (std::size_t clock = 1; clock < clocks_; ++clock) {
        const double share = scale[0] == 0 ? 1.0 : static_cast<double>(scale[clock]) / static_cast<double>(scale[0]);
        const double at = static_cast<double>(moment.at(clock)) + measured * share;
        moment.set(clock, std::max(not_before.at(clock), static_cast<std::uint64_t>(std::max(at, 0.0))));
    }
    moment.set(0, when.value());
}

Graph::Message& Graph::message(Channel& channel, std::uint64_t number) {
    while (number - channel.first >= channel.messages.size()) {
        Message& made = channel.messages.emplace_back();
        made.begin = made.arrives = made.posted = none();
    }
    return channel.messages[number - channel.first];
}

Moment Graph::cross(const Leg& leg, Bytes bytes, const Moment& start, const About& about, bool only_latency,
                    Crossed* crossed) {
    const noc::Route& route = paces_[0]->route(leg);
    Clocks head, slowest;
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        Pace& pace = *paces_[clock];
        head[clock] = pace.head(leg).value();
        slowest[clock] = route.empty() ? pace.config().network.link.rate_for(bytes).time_for(bytes).value() : 0;
        for (const noc::Hop& hop : route)
            slowest[clock] = std::max(slowest[clock], pace.on_link(hop.link, bytes, &hop == &route.back()).value());
    }
    const auto at_link = [&](const noc::Hop& hop) {
        return About{links_[hop.link], about.phase, about.line, about.file};
    };
    Moment moment = start;
    const About first = route.empty() ? about : at_link(route.front());
    step(moment, start.when(), Spent::link_latency, first);
    moment.later_by(head);
    if (only_latency) return moment;
    step(moment, moment.when(), Spent::link, first);
    moment.later_by(slowest);
    for (std::size_t i = 0; i < route.size(); ++i) {
        Server& link = server(links_[route[i].link]);
        // Whoever finds the link free is as late as its own way makes it.
        Moment queued = moment;
        const bool before_here = crossed && crossed->contains(route[i].link);
        if (link.last.when() > start.when() && !before_here) {
            queued = link.last;
            step(queued, queued.when(), Spent::link, at_link(route[i]));
        }
        Clocks served = before_here ? crossed->at(route[i].link) : Clocks();
        for (std::size_t clock = 0; clock < clocks_; ++clock) {
            // Before and behind this link lies so much of the way.
            const std::uint64_t before = head[clock] * i / route.size(), behind = head[clock] - before;
            const bool last = i + 1 == route.size();
            const std::uint64_t own = paces_[clock]->on_link(route[i].link, bytes, last).value();
            const std::uint64_t busy = paces_[clock]->link_busy(route[i].link, bytes, last).value();
            if (!before_here) served[clock] = link.serve(clock, start.at(clock) + before, busy);
            queued.set(clock, served[clock] - (busy - own) + behind);
        }
        if (crossed) crossed->try_emplace(route[i].link, served);
        moment.after(queued);
    }
    return moment;
}

Clocks Graph::waiting(const Leg& leg, Bytes bytes) {
    constexpr double one = 1 << 30;
    const double bytes_here = static_cast<double>(paces_[0]->slowest(leg, bytes).value()) + 1.0;
    const double all_here = bytes_here + static_cast<double>(paces_[0]->head(leg).value());
    return clocks_of([&](Pace& pace, std::size_t) {
        const double bytes_there = static_cast<double>(pace.slowest(leg, bytes).value()) + 1.0;
        const double all_there = bytes_there + static_cast<double>(pace.head(leg).value());
        return Picoseconds(
            static_cast<std::uint64_t>(one * std::min(bytes_there / bytes_here, all_there / all_here)));
    });
}

void Graph::arrive(Moment& moment, const Leg& leg, Bytes bytes, Picoseconds when, const Moment& start) {
    const noc::Route& route = paces_[0]->route(leg);
    const Moment expected = moment;
    pin_scaled(moment, when, waiting(leg, bytes), start);
    for (std::size_t i = 0; i < route.size(); ++i) {
        Server& link = server(links_[route[i].link]);
        for (std::size_t clock = 0; clock < clocks_; ++clock) {
            const std::uint64_t behind = paces_[clock]->head(leg).value() * (route.size() - i) / route.size();
            if (moment.at(clock) > expected.at(clock) && expected.at(clock) > behind)
                link.correct(clock, expected.at(clock) - behind, moment.at(clock) - behind);
        }
        const std::uint64_t rest = paces_[0]->head(leg).value() * (route.size() - i) / route.size();
        if (when.value() <= link.last.at(0) + rest) continue;
        link.last = moment;
        link.last.set(0, when.value() - rest);
    }
}

void Graph::wait_for_credits(Channel& channel, const Message& one, const Leg& leg, Moment& arrives) {
    Moment windowed = one.begin;
    step(windowed, windowed.when(), Spent::credits, one.about);
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        Pace& pace = *paces_[clock];
        const std::uint64_t own = pace.in_window(leg, one.bytes).value();
        const std::uint64_t busy = pace.window_busy(leg, one.bytes).value();
        const std::uint64_t done =
            channel.lanes[leg.network].window.serve(clock, one.begin.at(clock), busy) - (busy - own);
        windowed.set(clock, done + pace.head(leg).value());
    }
    arrives.after(windowed);
    const auto in_lane = [&](const Message& other) { return other.begun && other.network == leg.network; };
    const std::size_t link = paces_[0]->route(leg).empty() ? 0 : paces_[0]->route(leg).front().link;
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        Pace& pace = *paces_[clock];
        const std::uint64_t window = pace.config().network.receive_buffer.value();
        if (one.until <= window) continue;
        const std::uint64_t needed = one.until - window;  // bytes of the lane that must have been taken
        std::size_t holder = 0;
        while (!in_lane(channel.messages[holder]) || channel.messages[holder].until < needed) ++holder;
        const Message& other = channel.messages[holder];
        if (!other.has_post) continue;
        const std::uint64_t back = std::max<std::uint64_t>(pace.head(leg.back()).value(), 1);
        Moment credit = other.posted;
        step(credit, credit.when(), Spent::credits, one.about);
        if (&other == &one) {
            const std::uint64_t ahead = needed - (one.until - one.bytes.value());
            credit.not_before(clock, credit.at(clock) + back + pace.in_window(leg, Bytes(ahead), one.bytes).value());
        } else {
            const std::uint64_t behind = pace.on_link(link, Bytes(other.until - needed), true, other.bytes).value();
            if (other.followed) {
                Moment taken = other.arrives;
                for (std::size_t i = 0; i < clocks_; ++i) taken.set(i, taken.at(i) - std::min(taken.at(i), behind));
                credit.after_on(clock, taken);
            }
            const Bytes packet = std::min(pace.config().network.packet, one.bytes);
            credit.not_before(clock, credit.at(clock) + back + pace.on_link(link, packet, true, one.bytes).value());
        }
        credit.not_before(clock, credit.at(clock) + pace.head(leg).value());
        arrives.after_on(clock, credit);
    }
}

void Graph::follow(Channel& channel, std::uint64_t number, int from, int to) {
    Message& one = message(channel, number);
    if (one.followed) return;
    one.followed = true;
    const Leg leg{from, to, one.network};
    one.arrives = cross(leg, one.bytes, one.begin, one.about, false, one.crossed.get());
    wait_for_credits(channel, one, leg, one.arrives);
}

void Graph::message_arrived(int from, int to, std::uint64_t number, Picoseconds when) {
    Channel& channel = channels_[{from, to}];
    follow(channel, number, from, to);
    Message& one = message(channel, number);
    arrive(one.arrives, {from, to, one.network}, one.bytes, when, one.begin);
    one.arrived = true;
}

void Graph::ended(int number, const Command& command, Place place, Picoseconds when) {
    if (command.op == Opcode::load || command.op == Opcode::store) return end_transfer(number, command, when);
    if (is_send(command.op)) return end_send(number, command, place, when);
    Channel& channel = channels_[{command.peer, number}];
    Message& one = message(channel, channel.taken++);
    Moment done = one.posted;
    done.after(one.arrives);
    pin(done, when, one.receive_about);
    free_of(place.engine) = done;
    use_up(number, command, done, done, one.receive_issued, one.posted.when(), when, one.receive_about);
    one.taken = true;
    forget_messages(channel);
}

void Graph::issue_send(int number, const Command& command) {
    for (const int to : receivers_of(command)) {
        Channel& channel = channels_[{number, to}];
        channel.lanes[command.network].waiting.push_back(channel.sends++);
    }
}

void Graph::begin_send(int number, const Command& command, const Moment& start, const Pending& pending) {
    const std::span<const std::int32_t> receivers = receivers_of(command);
    const auto crossed = receivers.size() > 1 ? std::make_shared<Crossed>() : nullptr;
    for (const int to : receivers) {
        Channel& channel = channels_[{number, to}];
        Lane& lane = channel.lanes[command.network];
        const std::uint64_t ordinal = lane.waiting.front();
        lane.waiting.pop_front();
        lane.leaving.push_back(ordinal);
        Message& one = message(channel, ordinal);
        one.network = command.network;
        one.begin = start;
        one.crossed = crossed;
        one.begun = true;
        one.about = pending.about;
        one.bytes =
            Bytes(static_cast<std::uint64_t>(command.moved->message.elements()) * bytes_per_element(command.dtype));
        one.until = lane.bytes += one.bytes.value();
        one.send_issued = pending.issued.when();
    }
}

void Graph::end_send(int from, const Command& command, Place place, Picoseconds when) {
    const std::span<const std::int32_t> receivers = receivers_of(command);
    Moment all_left;  // on other machines: when the last receiver had room
    for (const int to : receivers) {
        Channel& channel = channels_[{from, to}];
        Lane& lane = channel.lanes[command.network];
        const std::uint64_t ordinal = lane.leaving.front();
        lane.leaving.pop_front();
        follow(channel, ordinal, from, to);
        Message& one = message(channel, ordinal);
        const Leg leg{from, to, one.network};
        Moment left = one.arrives;
        for (std::size_t clock = 0; clock < clocks_; ++clock)
            left.set(clock, std::max(one.begin.at(clock),
                                     left.at(clock) - std::min(left.at(clock), paces_[clock]->head(leg).value())));
        pin_scaled(left, when, waiting(leg, one.bytes), one.begin);
        if (to == receivers.front()) {
            all_left = left;
        } else {
            all_left.after(left);
        }
        one.left = true;
        if (to != receivers.back()) continue;
        free_of(place.engine) = all_left;
        use_up(from, command, all_left, all_left, one.send_issued, one.begin.when(), when, one.about);
    }
    for (const int to : receivers) forget_messages(channels_[{from, to}]);
}

void Graph::forget_messages(Channel& channel) {
    std::uint64_t window = 0;
    for (const auto& pace : paces_) window = std::max(window, pace->config().network.receive_buffer.value());
    while (channel.messages.size() > 1 && channel.messages.front().taken && channel.messages.front().left &&
           channel.messages.front().until + window < channel.lanes[channel.messages.front().network].bytes) {
        channel.messages.pop_front();
        ++channel.first;
    }
}

}  // namespace tilemesh::insight
