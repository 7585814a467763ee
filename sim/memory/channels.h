// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one slice's channels, without any simulation: given when a transfer arrives and which addresses
// it touches, when is it done? Channels serve in arrival order. A transfer costs each channel its bursts at the
// channel's rate, plus an exposed cost whenever the row changes; refresh takes the channel away at fixed intervals.
// So short and long, aligned and scattered transfers differ as they do on real HBM.
#pragma once

#include "sim/memory/config.h"

#include <cstdint>
#include <vector>

namespace tilemesh::memory {

/// Consecutive bytes of a slice.
struct Segment {
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
};

class Channels {
public:
    explicit Channels(const HbmConfig& config)
        : config_(config),
          free_at_(static_cast<std::size_t>(config.channels)),
          open_row_(static_cast<std::size_t>(config.channels), ~std::uint64_t{0}),
          work_(static_cast<std::size_t>(config.channels)) {}

    struct Booking {
        Picoseconds begin;  // when the first channel starts
        Picoseconds end;    // when the last byte has moved, access latency included
        Picoseconds busy;   // channel time used, averaged over the channels
        Bytes moved;        // whole bursts
    };
    /// Books `count` segments, each `stride` bytes after the one before, arriving at `now`. Calls must come in time
    /// order.
    Booking book(Picoseconds now, Segment first, std::uint64_t count, std::uint64_t stride);

    /// When work of length `length` that starts at `begin` ends, refreshes included.
    Picoseconds after_refreshes(Picoseconds begin, Picoseconds length) const;

private:
    struct Work {
        std::uint64_t bursts = 0;
        std::uint64_t row_switches = 0;
    };
    void add(Segment segment);

    const HbmConfig& config_;
    std::vector<Picoseconds> free_at_;
    std::vector<std::uint64_t> open_row_;
    std::vector<Work> work_;  // of the transfer being booked
};

}  // namespace tilemesh::memory
