// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one slice's channels for whole transfers, without any simulation: given when a transfer arrives
// and which addresses it touches, when is it done? Lanes (pseudo-channels) serve in arrival order; what a transfer
// costs them follows from its runs of consecutive bytes, from the rows that earlier transfers left open, from the bus
// turning between reads and writes and from refresh. Work per transfer and lane, never per burst.
#pragma once

#include "sim/memory/service_profile.h"

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace tilemesh::memory {

/// Consecutive bytes of a slice.
struct Segment {
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
};

/// Evenly spaced runs of bytes.
struct Runs {
    Segment first;
    std::uint64_t count = 1;
    std::uint64_t stride = 0;
};
/// The same as one run where no whole burst lies between two of them: every burst is moved once.
Runs joined(Runs runs, std::uint64_t burst);

class Channels {
public:
    /// Both must outlive this.
    Channels(const HbmConfig& config, ServiceProfile& profile);
    Channels(const Channels&) = delete;
    Channels& operator=(const Channels&) = delete;

    struct Booking {
        Picoseconds begin;  // when the first lane starts
        Picoseconds first;  // when its first data can move, the access latency not included
        Picoseconds end;    // when the last byte has moved, access latency included
        Picoseconds busy;   // lane time used, averaged over the lanes
        Bytes moved;        // whole bursts
    };
    /// Books runs that are asked for at `now`. Calls must come in time order.
    Booking book(Picoseconds now, const Runs& runs, bool write);

    /// Somebody wrote these bytes before time began: as far as nothing came after them, their rows are open.
    void leave_open(Segment segment);

private:
    enum class Rows { open, closed, foreign };
    /// How much went one way and how much the other, the last time that each of them went: reads, writes.
    using Stretches = std::array<std::uint64_t, 2>;
    /// Reads and writes as they come, of a lane (in bursts) or of the slice (in bytes).
    class Turns {
    public:
        /// True when this goes the other way than what came last; `meeting()` is then what takes turns.
        bool turn(bool write, std::uint64_t amount);
        bool writes() const { return write_; }
        std::uint64_t stretch() const { return last_[write_ ? 1 : 0]; }
        const Stretches& meeting() const { return meeting_; }

    private:
        bool write_ = false;
        Stretches last_{}, meeting_{};
    };
    struct Lane {
        Picoseconds free_at;
        double work_ns = 0;        // of the transfer being booked
        std::uint64_t bursts = 0;  // of the transfer being booked
        Turns turns;
    };
    std::uint64_t& open_frame(std::uint64_t slot);
    /// What the rows of a segment's first frame are; its frames are open from now on.
    Rows touch_rows(std::uint64_t first_burst, std::uint64_t last_burst);
    void add_work(std::uint64_t first_burst, std::uint64_t last_burst, double ns_per_burst);
    /// What taking turns costs a lane that has just turned.
    double mixing_ns(const Lane& lane, bool rows_open);
    /// A controller serves one direction at a time on all its lanes: one that only reads stands still while another
    /// of its channel writes, and the other way round.
    void hold_back_others(const Lane& lane, Picoseconds now);

    const HbmConfig& config_;
    ServiceProfile& profile_;
    AddressMap map_;
    std::vector<Lane> lanes_;
    std::uint64_t batch_bursts_;  // how many writes of a lane go out together when the controller's queue is full
    /// By slot, plus one; 0: none yet. In pages that are made as transfers come to them: there may be more banks than
    /// anybody has room for.
    std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> open_frames_;
    std::uint64_t last_page_number_ = 0;
    std::vector<std::uint64_t>* last_page_ = nullptr;  // of open_frames_, which stay where they are
    Turns turns_;
    std::uint64_t busy_rest_ = 0;  // ps of all lanes together: bookings have whole ones of the average
};

}  // namespace tilemesh::memory
