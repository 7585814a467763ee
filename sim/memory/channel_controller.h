// SPDX-License-Identifier: Apache-2.0
// The controller of one HBM channel, command by command: a bounded queue from which it serves row hits first, then
// the oldest request that is ready (FR-FCFS); activates, precharges and column commands under the standard's timings;
// reads and writes in batches; refreshes. Two pseudo-channels share the command buses. Exact, and as slow as that is:
// it serves the memory probe and measures the profile that whole transfers are booked with (service_profile.h).
#pragma once

#include "sim/memory/config.h"

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace tilemesh::memory {

/// One burst for one channel.
struct Access {
    std::uint64_t tag = 0;
    std::uint64_t row = 0;
    int bank = 0;
    bool write = false;
};
/// A burst whose column command went out; `end` is the tick after its last data (of a write: see write_acknowledge).
struct Completion {
    std::uint64_t tag;
    std::int64_t end;
};

/// What the channel did, and for what its column commands had to wait while requests stood in the queue.
struct ChannelCounters {
    std::uint64_t row_hits = 0, activates = 0, precharges = 0, refreshes = 0, reads = 0, writes = 0;
    std::uint64_t waited_refresh = 0, waited_turnaround = 0, waited_rows = 0;  // ticks
};

/// Timing in ticks, the slots of the row command bus; rounded up.
struct CommandTicks {
    explicit CommandTicks(const HbmConfig& config);
    double nanoseconds_per_tick;
    std::int64_t clock, activate_command, precharge_command;
    std::int64_t burst, cl, cwl, rcd_read, rcd_write, rp, ras, wr, rtp, ccd_s, ccd_l, ccd_r, rrd_s, rrd_l, faw, ppd,
        wtr_s, wtr_l, rtw, rfc, rfc_bank, rrefd, refi, refi_bank;
};

class ChannelController {
public:
    ChannelController(const HbmConfig& config, const CommandTicks& ticks);

    /// Is there room in the queue for reads, or for writes?
    bool has_room(bool write) const { return taken_[write ? 1 : 0] < queue_entries_; }
    void push(const Access& access);
    /// Issues what may be issued at `now`; what completes is appended. Ticks must grow; those before wake() need no
    /// call.
    void tick(std::int64_t now, std::vector<Completion>& completed);
    /// The next tick at which something may happen.
    std::int64_t wake() const { return wake_; }
    const ChannelCounters& counters() const { return counters_; }

private:
    static constexpr std::int64_t never = -(std::int64_t{1} << 40);
    struct Bank {
        bool open = false;
        bool promised = false;  // activated for a request whose column command is still to come
        std::uint64_t row = 0;
        std::uint64_t looked_at = 0;      // the last scan of the queue that came across it
        std::array<int, 2> queued{0, 0};  // reads and writes in the queue
        std::array<int, 2> wanted{0, 0};  // those that hit the open row
        std::int64_t activated = never, precharged = never, read = never, written = never, refreshed = never;
    };
    struct BankGroup {
        std::int64_t activated = never, read = never, written = never, refreshed = never;
    };
    struct PseudoChannel {
        std::int64_t activated = never, read = never, written = never, precharged = never, refreshed_bank = never,
                     refreshed = never;
        std::array<std::int64_t, 4> last_activates{never, never, never, never};
        std::size_t oldest_activate = 0;
        std::vector<std::int64_t> stack_read;
    };
    struct Refresh {
        int pseudo_channel;
        int bank;  // -1: all of them
    };

    int pseudo_channel_of(int bank) const { return bank / banks_per_lane_; }
    std::size_t group_of(int bank) const { return static_cast<std::size_t>(bank / banks_per_group_); }
    Bank& bank(int number) { return banks_[static_cast<std::size_t>(number)]; }
    PseudoChannel& pseudo_channel(int number) { return pseudo_channels_[static_cast<std::size_t>(number)]; }

    // The first tick at which a command may go out, as far as its timing goes.
    std::int64_t column_ready(const Access& access);
    std::int64_t activate_ready(int number);
    std::int64_t precharge_ready(int number);
    std::int64_t refresh_ready(const Refresh& refresh);
    std::int64_t on_clock(std::int64_t tick) const { return (tick + t_.clock - 1) / t_.clock * t_.clock; }

    /// Something changed for one bank: a row command for it may be due earlier than was thought.
    void reconsider(int number);
    /// Takes a request out of its queue.
    void leave(bool write, std::size_t index);
    void post_refreshes(std::int64_t now);
    bool issue_column(std::int64_t now, std::vector<Completion>& completed);
    bool issue_row(std::int64_t now);
    bool issue_refresh(std::int64_t now);
    void column(const Access& access, std::int64_t now, std::vector<Completion>& completed);
    void activate(int number, std::uint64_t row, std::int64_t now);
    void precharge(int number, std::int64_t now);
    void choose_direction();
    void account(std::int64_t now);

    CommandTicks t_;
    std::size_t queue_entries_;
    int bank_queue_entries_;
    std::array<std::size_t, 2> taken_{0, 0};  // room taken in the queue by reads and writes
    int pseudo_channel_count_, banks_per_lane_, banks_per_group_, banks_per_stack_;
    RefreshMode refresh_mode_;
    bool refresh_together_, acknowledge_at_command_;
    std::vector<Bank> banks_;
    std::vector<BankGroup> groups_;
    std::vector<PseudoChannel> pseudo_channels_;
    std::vector<Access> reads_, writes_, promised_;  // oldest first
    std::uint64_t scan_ = 0;
    std::int64_t row_wake_ = 0;  // before it, no row command can go out for what the queue holds
    std::deque<Refresh> refreshes_;
    std::int64_t next_refresh_, row_bus_free_ = 0, column_bus_free_ = 0, wake_ = 0, last_tick_ = 0;
    int next_refresh_bank_ = 0;
    bool writing_ = false;
    ChannelCounters counters_;
};

}  // namespace tilemesh::memory
