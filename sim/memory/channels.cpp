// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/channels.h"

#include <algorithm>

namespace tilemesh::memory {

void Channels::add(Segment segment) {
    const std::uint64_t interleave = config_.interleave.value(), burst = config_.burst.value();
    const auto channels = static_cast<std::uint64_t>(config_.channels);
    const std::uint64_t blocks_per_row = config_.row.value() / interleave;
    const std::uint64_t first = segment.address / interleave;
    const std::uint64_t last = (segment.address + segment.bytes - 1) / interleave;
    const std::uint64_t per_block = interleave / burst;
    const std::uint64_t lead = segment.address % interleave / burst;  // bursts not touched
    const std::uint64_t tail = per_block - 1 - (segment.address + segment.bytes - 1) % interleave / burst;
    const std::uint64_t touched = std::min<std::uint64_t>(channels, last - first + 1);
    for (std::uint64_t i = 0; i < touched; ++i) {
        // Block b lies on channel b % channels, as that channel's block b / channels.
        const std::uint64_t begin = first + i;
        const std::uint64_t count = (last - begin) / channels + 1;
        const auto channel = static_cast<std::size_t>(begin % channels);
        Work& work = work_[channel];
        work.bursts += count * per_block;
        const std::uint64_t first_row = begin / channels / blocks_per_row;
        const std::uint64_t last_row = (begin / channels + count - 1) / blocks_per_row;
        work.row_switches += last_row - first_row + (open_row_[channel] == first_row ? 0 : 1);
        open_row_[channel] = last_row;
    }
    work_[static_cast<std::size_t>(first % channels)].bursts -= lead;
    work_[static_cast<std::size_t>(last % channels)].bursts -= tail;
}

Picoseconds Channels::after_refreshes(Picoseconds begin, Picoseconds length) const {
    if (config_.refresh.value() == 0) return begin + length;
    // Refresh occupies [k * interval - refresh, k * interval) for every k >= 1.
    const std::uint64_t interval = config_.refresh_interval.value(), gap = config_.refresh.value();
    const std::uint64_t open = interval - gap;
    const std::uint64_t within = begin.value() % interval;
    const std::uint64_t start = within >= open ? begin.value() - within + interval : begin.value();
    const std::uint64_t used = start % interval;
    const std::uint64_t refreshes = length.value() == 0 ? 0 : (used + length.value() - 1) / open;
    return Picoseconds(start + length.value() + refreshes * gap);
}

Channels::Booking Channels::book(Picoseconds now, Segment first, std::uint64_t count, std::uint64_t stride) {
    std::fill(work_.begin(), work_.end(), Work{});
    for (std::uint64_t i = 0; i < count; ++i) add({first.address + i * stride, first.bytes});
    Booking booking{Picoseconds::max(), now, Picoseconds(), Bytes()};
    std::uint64_t bursts = 0, busy = 0;
    for (std::size_t c = 0; c < work_.size(); ++c) {
        const Work& work = work_[c];
        if (work.bursts == 0) continue;
        const Picoseconds length = config_.channel_rate.time_for(Bytes(work.bursts * config_.burst.value())) +
                                   config_.row_switch * work.row_switches;
        const Picoseconds begin = std::max(now, free_at_[c]);
        const Picoseconds end = after_refreshes(begin, length);
        free_at_[c] = end;
        booking.begin = std::min(booking.begin, begin);
        booking.end = std::max(booking.end, end);
        bursts += work.bursts;
        busy += (end - begin).value();
    }
    booking.busy = Picoseconds(busy / work_.size());
    booking.moved = Bytes(bursts * config_.burst.value());
    booking.end += config_.access_latency;
    return booking;
}

}  // namespace tilemesh::memory
