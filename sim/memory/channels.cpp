// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/channels.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tilemesh::memory {
namespace {

constexpr std::uint64_t no_frame = 0;
/// Of reads and writes that take turns, only so many times the smaller part has to do with it.
constexpr std::uint64_t most_uneven = 15;

Picoseconds rounded_up(double ns) { return Picoseconds(static_cast<std::uint64_t>(std::ceil(ns * 1000.0 - 1e-6))); }

}  // namespace

Runs joined(Runs runs, std::uint64_t burst) {
    if (runs.count == 1 || runs.stride >= runs.first.bytes + burst) return runs;
    return {{runs.first.address, (runs.count - 1) * runs.stride + runs.first.bytes}, 1, 0};
}

Channels::Channels(const HbmConfig& config, ServiceProfile& profile)
    : config_(config),
      profile_(profile),
      map_(config.geometry, config.mapping),
      lanes_(static_cast<std::size_t>(config.geometry.lanes())),
      batch_bursts_(static_cast<std::uint64_t>(config.queue_entries * 3 / 5 / config.geometry.pseudo_channels)) {}

std::uint64_t& Channels::open_frame(std::uint64_t slot) {
    constexpr std::uint64_t page_slots = 512;
    if (last_page_ == nullptr || slot / page_slots != last_page_number_) {
        last_page_number_ = slot / page_slots;
        last_page_ = &open_frames_[last_page_number_];
        if (last_page_->empty()) last_page_->resize(std::min(page_slots, map_.frame_slots()), no_frame);
    }
    return (*last_page_)[slot % page_slots];
}

Channels::Rows Channels::touch_rows(std::uint64_t first_burst, std::uint64_t last_burst) {
    const std::uint64_t slots = map_.frame_slots();
    const std::uint64_t first = first_burst / map_.frame_bursts(), last = last_burst / map_.frame_bursts();
    const std::uint64_t before = open_frame(first % slots);
    for (std::uint64_t frame = last - std::min(last - first, slots - 1); frame <= last; ++frame)
        open_frame(frame % slots) = frame + 1;
    return before == first + 1 ? Rows::open : before == no_frame ? Rows::closed : Rows::foreign;
}

void Channels::leave_open(Segment segment) {
    if (segment.bytes == 0) return;
    const std::uint64_t burst = config_.geometry.burst;
    touch_rows(segment.address / burst, (segment.address + segment.bytes - 1) / burst);
}

void Channels::add_work(std::uint64_t first_burst, std::uint64_t last_burst, double ns_per_burst) {
    // Whole periods load every lane alike; the rest is walked in blocks that lie in one lane.
    const std::uint64_t period = map_.lane_period(), block = map_.lane_block();
    const std::uint64_t periods = (last_burst + 1 - first_burst) / period;
    if (periods > 0) {
        const std::uint64_t share = periods * (period / lanes_.size());
        for (Lane& lane : lanes_) {
            lane.bursts += share;
            lane.work_ns += static_cast<double>(share) * ns_per_burst;
        }
    }
    for (std::uint64_t burst = first_burst + periods * period; burst <= last_burst;) {
        const std::uint64_t next = std::min(last_burst + 1, (burst / block + 1) * block);
        Lane& lane = lanes_[static_cast<std::size_t>(map_.lane(burst))];
        lane.bursts += next - burst;
        lane.work_ns += static_cast<double>(next - burst) * ns_per_burst;
        burst = next;
    }
}

bool Channels::Turns::turn(bool write, std::uint64_t amount) {
    const bool turned = std::exchange(write_, write) != write;
    std::uint64_t& stretch = last_[write ? 1 : 0];
    if (turned) {
        meeting_ = last_;
        if (stretch == 0) meeting_[write ? 1 : 0] = amount;
        stretch = 0;
    }
    stretch += amount;
    return turned;
}

double Channels::mixing_ns(const Lane& lane, bool rows_open) {
    const auto [reads, writes] = lane.turns.meeting();
    if (reads == 0 || writes == 0) return 0.0;
    const auto share_of = [](const Stretches& of) {
        return static_cast<double>(of[1]) / static_cast<double>(of[0] + of[1]);
    };
    // Which lanes short runs reach is chance where they lie at random, and order where they follow each other.
    const Stretches& slice = turns_.meeting();
    const double ns_per_byte = profile_.mixing_ns_per_byte(
        std::min(slice[0], slice[1]), share_of(rows_open ? lane.turns.meeting() : slice), rows_open);
    const std::uint64_t bursts = std::min(reads, most_uneven * writes) + std::min(writes, most_uneven * reads);
    const auto lane_bytes = static_cast<double>(bursts * config_.geometry.burst * lanes_.size());
    return std::max(0.0, ns_per_byte * lane_bytes / 2);  // there and back again
}

void Channels::hold_back_others(const Lane& lane, Picoseconds now) {
    const auto lanes = static_cast<std::size_t>(config_.geometry.pseudo_channels);
    const auto first = static_cast<std::size_t>(&lane - lanes_.data()) / lanes * lanes;
    for (std::size_t i = first; i < first + lanes; ++i) {
        Lane& other = lanes_[i];
        // What is shorter than a batch finds others of its direction to go with.
        if (other.bursts > 0 || other.turns.writes() == lane.turns.writes() || other.free_at <= now ||
            other.turns.stretch() < batch_bursts_)
            continue;
        other.free_at = profile_.after_refreshes(other.free_at, rounded_up(lane.work_ns));
    }
}

Channels::Booking Channels::book(Picoseconds now, const Runs& runs, bool write) {
    for (Lane& lane : lanes_) lane.work_ns = 0, lane.bursts = 0;
    const std::uint64_t burst = config_.geometry.burst;
    const auto [first, count, stride] = joined(runs, burst);
    const double lane_ns = static_cast<double>(burst * lanes_.size());
    const double least_ns = static_cast<double>(burst) / config_.lane_rate().gbytes_per_s();
    const double run_ns = profile_.ns_per_byte(first.bytes, write) * lane_ns;
    double stream_ns = 0;  // measured when rows are found open
    std::uint64_t bursts = 0;
    Rows rows = Rows::closed;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t address = first.address + i * stride;
        const std::uint64_t from = address / burst, to = (address + first.bytes - 1) / burst;
        const Rows found = touch_rows(from, to);
        if (i == 0) rows = found;
        if (found == Rows::open && stream_ns == 0)
            stream_ns = std::min(run_ns, profile_.stream_ns_per_byte(write) * lane_ns);
        add_work(from, to, found == Rows::open ? stream_ns : run_ns);
        bursts += to + 1 - from;
    }
    // The first data waits for its row, the last byte of a lone transfer for as long as the controllers need alone.
    const bool ideal = config_.standard == Standard::ideal;
    const double closing_ns = rows == Rows::foreign ? profile_.closing_ns() : 0.0;
    const double opening_ns = rows == Rows::open ? 0.0 : profile_.opening_ns(write) + closing_ns;
    const double lead_ns = ideal ? 0.0 : profile_.first_data_ns(write) + opening_ns;
    const double alone_ns = ideal ? 0.0 : profile_.alone_ns(first.bytes, write, rows == Rows::open) + closing_ns;
    const Picoseconds lead = rounded_up(lead_ns);
    const Picoseconds turnaround = ideal ? Picoseconds() : rounded_up(profile_.turnaround_ns(write));
    turns_.turn(write, bursts * burst);
    Booking booking{Picoseconds::max(), Picoseconds::max(), now, Picoseconds(), Bytes(bursts * burst)};
    std::uint64_t busy = std::exchange(busy_rest_, 0);
    // A lane that stands idle serves one run at once, not at the pace that it keeps up under load.
    const Picoseconds alone = profile_.after_refreshes(now + lead, rounded_up(std::max(0.0, alone_ns - lead_ns)));
    for (Lane& lane : lanes_) {
        if (lane.bursts == 0) continue;
        const bool turned = lane.turns.turn(write, lane.bursts) && !ideal;
        const bool idle = lane.free_at + (turned ? turnaround : Picoseconds()) <= now + lead;
        // A lane at work has others to put between, so that it turns for many at once.
        if (turned && !idle) lane.work_ns += mixing_ns(lane, rows == Rows::open);
        const Picoseconds start = idle ? now + lead : lane.free_at;
        lane.free_at = profile_.after_refreshes(start, rounded_up(lane.work_ns));
        booking.begin = std::min(booking.begin, start);
        booking.first = std::min(booking.first, profile_.after_refreshes(start, Picoseconds()));
        booking.end =
            std::max(booking.end, idle && count == 1 && !ideal ? std::min(lane.free_at, alone) : lane.free_at);
        if (rows == Rows::open && !ideal) hold_back_others(lane, now);
        // Under load it is held for longer than it moves this transfer's bytes, but never for less than they take:
        // what a lone transfer takes is known between sizes, of which a lane's share goes in whole bursts.
        const Picoseconds held = std::min(lane.free_at, std::max(booking.end, start)) - start;
        busy += std::max(held, rounded_up(static_cast<double>(lane.bursts) * least_ns)).value();
    }
    booking.end = std::max(booking.end, alone);
    booking.busy = Picoseconds(busy / lanes_.size());
    busy_rest_ = busy % lanes_.size();
    booking.end += config_.access_latency;
    return booking;
}

}  // namespace tilemesh::memory
