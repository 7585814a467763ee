// SPDX-License-Identifier: Apache-2.0
// How packets enter the network, who is given which channel, and what competition for the switch costs.
#include "sim/noc/fabric.h"

#include "sim/noc/fabric_events.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace tilemesh::noc {

void Fabric::inject(Stream& stream, TrafficClass traffic, Picoseconds now) {
    const std::size_t number = (*stream.route)[0].link * traffic_classes + static_cast<std::size_t>(traffic);
    Source& entry = sources_[number];
    entry.streams.push(&stream);
    if (entry.streams.size() == 1) calendar_.post(now, EventKind::source, static_cast<std::uint32_t>(number));
}

bool Fabric::look_again(std::size_t link, Picoseconds when) {
    bool posted = false;
    for (std::size_t i = 0; i < traffic_classes; ++i) {
        const std::size_t number = link * traffic_classes + i;
        if (!sources_[number].starved) continue;
        calendar_.post(when, EventKind::source, static_cast<std::uint32_t>(number));
        posted = true;
    }
    return posted;
}

void Fabric::look_at_source(std::size_t number) {
    Source& entry = sources_[number];
    if (entry.busy || entry.waiting || entry.streams.empty()) return;
    const Hop& hop = (*entry.streams.front()->route)[0];
    const std::size_t link = number / traffic_classes;
    if (begin_from_source(number, links_[link].waiting[hop.channel_class].empty())) return;
    if (entry.waiting) wait_for_channel(link, hop.channel_class, -1 - static_cast<std::int32_t>(number));
}

bool Fabric::begin_from_source(std::size_t number, bool its_turn) {
    Source& entry = sources_[number];
    Stream& stream = *entry.streams.front();
    const std::size_t link = number / traffic_classes;
    const Bytes bytes = std::min(network_.packet, stream.size - stream.injected);
    entry.waiting = false;
    // A packet enters when all its bytes are there; they become available at a steady pace.
    const Picoseconds span = stream.available_until - stream.available_from;
    Picoseconds from = stream.available_from;
    if (span > Picoseconds()) {
        const double part =
            static_cast<double>((stream.injected + bytes).value()) / static_cast<double>(stream.size.value());
        from += Picoseconds(static_cast<std::uint64_t>(static_cast<double>(span.value()) * part));
    }
    if (!links_[link].feeds_router) from += network_.router.before_switch();
    if (from > now_) {
        calendar_.post(from, EventKind::source, static_cast<std::uint32_t>(number));
        return false;
    }
    starved_ -= std::exchange(entry.starved, false) ? 1 : 0;
    if (const CreditWindow* const full = full_window(stream, bytes + stream.spare, now_)) {
        const Picoseconds next = full->next_return();
        entry.starved = next == Picoseconds::max();
        if (entry.starved) {
            ++starved_;
        } else {
            calendar_.post(std::max(next, now_), EventKind::source, static_cast<std::uint32_t>(number));
        }
        return false;
    }
    const Hop& hop = (*stream.route)[0];
    const bool buffered = stream.route->size() > 1 || stream.copies || !links_[link].covers_round_trip;
    const std::int32_t taken = its_turn ? pick(link, hop.channel_class, buffered) : none;
    if (taken == none) {
        entry.waiting = true;
        return false;
    }
    take_credits(stream, bytes);
    stream.injected += bytes;
    const bool last = stream.injected == stream.size;
    const std::int32_t packet = new_packet({&stream, stream.route->data(), static_cast<std::uint32_t>(bytes.value()),
                                            static_cast<std::uint16_t>(stream.route->size() - 1), last, none});
    if (last) entry.streams.pop();
    entry.busy = true;
    begin(taken, packet, -1 - static_cast<std::int32_t>(number), from);
    return true;
}

std::int32_t Fabric::new_packet(const Packet& packet) {
    if (free_packets_.empty()) {
        free_packets_.push_back(static_cast<std::int32_t>(packets_.size()));
        packets_.emplace_back();
    }
    const std::int32_t number = free_packets_.back();
    free_packets_.pop_back();
    packets_[static_cast<std::size_t>(number)] = packet;
    return number;
}

std::int32_t Fabric::pick(std::size_t number, int channel_class, bool room) {
    LinkState& link = links_[number];
    if (!link.made) make_channels(number);
    int first = 0, count = channels_per_link_;
    if (link.two_classes) {
        const int of_class_1 = channels_per_link_ / 2;
        first = channel_class == 0 ? 0 : channels_per_link_ - of_class_1;
        count = channel_class == 0 ? channels_per_link_ - of_class_1 : of_class_1;
    }
    int& turn = link.turn[static_cast<std::size_t>(channel_class)];
    for (int i = 0; i < count; ++i) {
        const int at = turn + i < count ? turn + i : turn + i - count;
        const auto candidate = first_channel(number) + first + at;
        if ((link.free & bit_of(candidate)) == 0) continue;
        Channel& free = channel(candidate);
        const bool used_before = free.free_since > Picoseconds();
        if (used_before && free.free_since + link.allocation > now_) continue;
        if (room) {
            collect(free);
            if (free.credit == Bytes()) continue;
        }
        turn = at + 1 == count ? 0 : at + 1;
        return candidate;
    }
    return none;
}

void Fabric::wait_for_channel(std::size_t number, int channel_class, std::int32_t input) {
    links_[number].waiting[static_cast<std::size_t>(channel_class)].push_back(input);
    post_next_allocation(number);
}

void Fabric::post_next_allocation(std::size_t number) {
    // One that is free already, but too recently, or without credit until a known time.
    Picoseconds soonest = Picoseconds::max();
    for (std::uint64_t free_channels = links_[number].free; free_channels != 0; free_channels &= free_channels - 1) {
        const Channel& candidate = channel(first_channel(number) + std::countr_zero(free_channels));
        const Picoseconds free = candidate.free_since + links_[number].allocation;
        const Picoseconds room = candidate.releases.empty() ? free : candidate.releases.front().when;
        if (free > now_) {
            soonest = std::min(soonest, free);
        } else if (room > now_) {
            soonest = std::min(soonest, room);
        }
    }
    if (soonest != Picoseconds::max()) post_allocation(number, soonest);
}

void Fabric::post_allocation(std::size_t number, Picoseconds when) {
    LinkState& link = links_[number];
    if (when >= link.next_allocation && link.next_allocation >= now_) return;
    link.next_allocation = when;
    calendar_.post(when, EventKind::allocation, static_cast<std::uint32_t>(number));
}

void Fabric::allocate(std::size_t number) {
    LinkState& link = links_[number];
    if (link.next_allocation <= now_) link.next_allocation = Picoseconds::max();
    for (int channel_class = 0; channel_class < 2; ++channel_class) {
        // First come, first served; a source needs room as well, a packet waits for it inside its channel.
        auto& waiting = link.waiting[static_cast<std::size_t>(channel_class)];
        std::size_t kept = 0;
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            const std::int32_t input = waiting[i];
            bool begun = false;
            if (input < 0) {
                const auto source = static_cast<std::size_t>(-1 - input);
                begun = begin_from_source(source, true) || !sources_[source].waiting;
            } else if (const std::int32_t taken = pick(number, channel_class, false); taken != none) {
                begin(taken, take_first(input, number), input, channel(input).queue.front().head);
                begun = true;
            }
            if (!begun) waiting[kept++] = input;
        }
        waiting.shorten(kept);
    }
    if (!link.waiting[0].empty() || !link.waiting[1].empty()) post_next_allocation(number);
}

Picoseconds Fabric::lost_turns(std::int32_t number) {
    Channel& sender = channel(number);
    const std::size_t link_number = link_of(number);
    LinkState& link = links_[link_number];
    if (link.feeds_router || network_.router.allocation_conflicts == 0) return Picoseconds();
    // Another output that this packet's input also sends to may choose the input in the same cycle as this one does,
    // once per round of its own inputs; one of the two choices is then lost.
    double choices = 0.0;
    sender.registered = true;
    if (sender.input < 0) {
        ++link.inputs;
        return Picoseconds();
    }
    auto& flows = links_[link_of(sender.input)].flows;
    Flow* own = nullptr;
    for (Flow& flow : flows) {
        if (flow.onto == static_cast<std::int32_t>(link_number)) {
            own = &flow;
        } else if (rivals(sender.input, flow) > 0) {
            choices += 1.0 / static_cast<double>(links_[static_cast<std::size_t>(flow.onto)].inputs);
        }
    }
    if (own) {
        ++own->packets;
    } else {
        flows.push_back({static_cast<std::int32_t>(link_number), 1});
        ++link.inputs;
    }
    if (choices == 0.0) return Picoseconds();
    const std::uint64_t flits = (sender.unsent.value() + network_.flit.value() - 1) / network_.flit.value();
    const auto limit = static_cast<std::uint64_t>(network_.router.allocation_conflicts);
    link.conflicts += choices * static_cast<double>(std::min(flits, limit));
    const double whole = std::floor(link.conflicts);
    link.conflicts -= whole;
    return link.flit_time * static_cast<std::uint64_t>(whole);
}

void Fabric::remove_competitor(std::int32_t input, std::size_t output) {
    if (input >= 0) {
        auto& flows = links_[link_of(input)].flows;
        const auto flow = std::find_if(flows.begin(), flows.end(), [&](const Flow& candidate) {
            return candidate.onto == static_cast<std::int32_t>(output);
        });
        if (--flow->packets > 0) return;
        *flow = flows.back();
        flows.shorten(flows.size() - 1);
    }
    --links_[output].inputs;
}

}  // namespace tilemesh::noc
