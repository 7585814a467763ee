// SPDX-License-Identifier: Apache-2.0
// Packets whose way branches: they stay where it does until every copy has left. That a packet fits whole into its
// buffer is asked of the machine (config.cpp), so that no copy ever waits for another.
#include "sim/noc/fabric.h"

#include <algorithm>

namespace tilemesh::noc {

void Fabric::branch(std::int32_t input) {
    if (free_forks_.empty()) {
        free_forks_.push_back(static_cast<std::int32_t>(forks_.size()));
        forks_.emplace_back();
    }
    const std::int32_t fork_number = free_forks_.back();
    free_forks_.pop_back();
    const std::int32_t first = channel(input).queue.front().packet;
    packets_[static_cast<std::size_t>(first)].fork = fork_number;
    const Packet whole = packets_[static_cast<std::size_t>(first)];
    Fork& fork = forks_[static_cast<std::size_t>(fork_number)];
    fork.room = Picoseconds();
    for (Stream* const copy : *whole.stream->copies) {
        const auto hops_left = static_cast<std::uint16_t>(copy->route->size() - 1);
        fork.waiting.push_back(new_packet({copy, copy->route->data(), whole.bytes, hops_left, whole.last, none}));
    }
    fork.heads = fork.tails = static_cast<int>(fork.waiting.size());
    for (const std::int32_t copy : std::vector<std::int32_t>(fork.waiting)) ask(input, copy);
}

std::int32_t Fabric::take_first(std::int32_t input, std::size_t link) {
    const std::int32_t first = channel(input).queue.front().packet;
    const std::int32_t fork = packets_[static_cast<std::size_t>(first)].fork;
    if (fork == none) return first;
    std::vector<std::int32_t>& waiting = forks_[static_cast<std::size_t>(fork)].waiting;
    const auto copy = std::find_if(waiting.begin(), waiting.end(), [&](std::int32_t packet) {
        return packets_[static_cast<std::size_t>(packet)].hop->link == link;
    });
    const std::int32_t taken = *copy;
    waiting.erase(copy);
    return taken;
}

void Fabric::free_copied(std::int32_t input, Bytes bytes, Picoseconds when) {
    const std::int32_t first = channel(input).queue.front().packet;
    Fork& fork = forks_[static_cast<std::size_t>(packets_[static_cast<std::size_t>(first)].fork)];
    fork.room = std::max(fork.room, when);
    if (--fork.heads == 0) release(input, bytes, fork.room);
}

bool Fabric::all_have_left(std::int32_t input, std::int32_t packet) {
    const std::int32_t first = channel(input).queue.front().packet;
    if (first == packet) return true;
    const std::int32_t fork = packets_[static_cast<std::size_t>(first)].fork;
    if (--forks_[static_cast<std::size_t>(fork)].tails > 0) return false;
    free_forks_.push_back(fork);
    free_packets_.push_back(first);
    return true;
}

int Fabric::rivals(std::int32_t input, const Flow& flow) const {
    const std::int32_t first = channels_[static_cast<std::size_t>(input)].queue.front().packet;
    if (packets_[static_cast<std::size_t>(first)].fork == none) return flow.packets;
    int others = flow.packets;
    for (int i = 0; i < channels_per_link_; ++i) {
        const Channel& beside = channels_[first_channel(static_cast<std::size_t>(flow.onto)) + i];
        if (beside.holder != none && beside.registered && beside.input == input) --others;
    }
    return others;
}

CreditWindow* Fabric::full_window(const Stream& stream, Bytes bytes, Picoseconds now) {
    if (!stream.copies) return stream.credits && !stream.credits->room(bytes, now) ? stream.credits : nullptr;
    if (stream.end_of_copies)
        if (CreditWindow* const full = full_window(*stream.end_of_copies, bytes, now)) return full;
    for (const Stream* const copy : *stream.copies)
        if (CreditWindow* const full = full_window(*copy, bytes, now)) return full;
    return nullptr;
}

void Fabric::take_credits(const Stream& stream, Bytes bytes) {
    if (stream.credits) stream.credits->take(bytes);
    if (!stream.copies) return;
    if (stream.end_of_copies) take_credits(*stream.end_of_copies, bytes);
    for (const Stream* const copy : *stream.copies) take_credits(*copy, bytes);
}

}  // namespace tilemesh::noc
