// SPDX-License-Identifier: Apache-2.0
// The controller of one HBM channel, command by command: a bounded queue from which it serves row hits first, then
// the oldest request that is ready (FR-FCFS); activates, precharges and column commands under the standard's timings;
// reads and writes in batches; refreshes. Two pseudo-channels share the command buses. Exact, and as slow as that is:
// it serves the memory probe and measures the profile that whole transfers are booked with (service_profile.h).
#pragma once

#include "sim/memory/config.h"
#include "sim/memory/waiting_lines.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <unordered_map>
#include <vector>

namespace tilemesh::memory {

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
    /// All ticks before `now` of a channel for which nothing waits; those of refreshes that leave no trace are
    /// counted.
    void rest_until(std::int64_t now);
    const ChannelCounters& counters() const { return counters_; }

private:
    static constexpr std::int64_t never = -(std::int64_t{1} << 40);
    static constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();
    /// The tick from which on the next column command may go out, as far as one of its parts goes.
    struct NextColumn {
        std::int64_t read = never, write = never;
        std::int64_t of(bool writes) const { return writes ? write : read; }
        void not_before(std::int64_t reads, std::int64_t writes) {
            read = std::max(read, reads);
            write = std::max(write, writes);
        }
    };
    struct Bank {
        int number = 0;  // in the channel
        int pseudo_channel = 0, stack = 0;
        int group = 0;  // in groups_
        bool open = false;
        bool promised = false;  // activated for a request whose column command is still to come
        std::uint64_t row = 0;
        std::int64_t activated = never, precharged = never, read = never, written = never, refreshed = never;
        NextColumn next;
    };
    struct BankGroup {
        std::int64_t activated = never, refreshed = never;
        NextColumn next;
    };
    struct PseudoChannel {
        std::int64_t activated = never, read = never, written = never, precharged = never, refreshed_bank = never,
                     refreshed = never;
        std::array<std::int64_t, 4> last_activates{never, never, never, never};
        std::size_t oldest_activate = 0;
        NextColumn next;
        std::vector<std::int64_t> next_read_of_stack;
    };
    struct Refresh {
        int pseudo_channel;
        int bank;  // its number in the channel; -1: all of them
    };
    struct BankRefresh {
        int bank;
        std::int64_t at;
    };
    /// A burst that has had its bank opened for it, or is the next to hit the open row.
    struct Chosen {
        Access access;
        int bank;  // in banks_
    };

    int banks_of_channel() const { return pseudo_channel_count_ * banks_per_lane_; }
    int pseudo_channel_of(int number) const { return number / banks_per_lane_; }
    /// Banks and groups are made when something first comes to them: there may be more than anybody has room for.
    int bank_numbered(int number);
    int group_numbered(int number);
    Bank& bank(int index) { return banks_[static_cast<std::size_t>(index)]; }
    BankGroup& group_of(const Bank& bank) { return groups_[static_cast<std::size_t>(bank.group)]; }
    PseudoChannel& pseudo_channel(int number) { return pseudo_channels_[static_cast<std::size_t>(number)]; }
    WaitingLines& waiting() { return lines_[writing_ ? 1 : 0]; }

    // The first tick at which a command may go out, as far as its timing goes; of a column command, the first clock
    // from there on.
    std::int64_t column_ready(int index, bool write);
    std::int64_t activate_ready(int index);
    std::int64_t precharge_ready(int index);
    /// As far as it depends on what went to the pseudo-channel, whichever bank.
    std::int64_t activate_ready_in(const PseudoChannel& pc) const;
    std::int64_t precharge_ready_in(const PseudoChannel& pc) const;
    /// For the bank that is first, whichever it is.
    std::int64_t soonest_column(bool write) const;
    std::int64_t soonest_activate() const;
    std::int64_t soonest_precharge() const;
    std::int64_t refresh_ready(const Refresh& refresh);
    std::int64_t on_clock(std::int64_t tick) const { return (tick + t_.clock - 1) / t_.clock * t_.clock; }

    /// Something changed for one bank: a row command for it may be due earlier than was thought.
    void reconsider(int index);
    /// Before a request leaves its queue: makes its room free.
    void leave(int index, bool write);
    void post_refreshes(std::int64_t now);
    bool issue_column(std::int64_t now, std::vector<Completion>& completed);
    bool issue_row(std::int64_t now);
    /// From when on others may go out after a column command at `now`.
    void delay_columns(const Bank& bank, bool write, std::int64_t now);
    /// The first of a list whose row command may go out; row_wake_ where none may.
    const WaitingLines::Asking* first_ready(const std::vector<WaitingLines::Asking>& lines, std::int64_t now,
                                            std::int64_t soonest);
    /// Closes a bank whose row nobody wants, or opens it for its oldest request.
    void serve_row(int index, std::int64_t now);
    bool issue_refresh(std::int64_t now);
    void column(const Chosen& chosen, std::int64_t now, std::vector<Completion>& completed);
    void activate(int index, std::uint64_t row, std::int64_t now);
    void precharge(int index, std::int64_t now);
    void refresh_bank(int number, std::int64_t now);
    void skip_refreshes(std::int64_t now);
    /// Ticks after which no command waits for a refresh any more, with room to spare.
    std::int64_t memory_of_refreshes() const;
    void choose_direction();
    bool has_work() const { return lines_[0].size() + lines_[1].size() + promised_.size() > 0; }
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
    std::unordered_map<int, int> bank_places_, group_places_;  // by number in the channel
    std::vector<PseudoChannel> pseudo_channels_;
    std::array<WaitingLines, 2> lines_;       // of reads, of writes; a line per element of banks_
    std::vector<Chosen> promised_;            // oldest first
    std::deque<BankRefresh> bank_refreshes_;  // those that banks made now may have to know of
    std::int64_t row_wake_ = 0;               // before it, no row command can go out for what the queue holds
    std::deque<Refresh> refreshes_;
    std::vector<int> open_for_refresh_;  // kept for its memory
    std::int64_t next_refresh_, row_bus_free_ = 0, column_bus_free_ = 0, wake_ = 0, last_tick_ = 0, last_busy_ = 0;
    bool had_work_ = false;  // after the last tick
    int next_refresh_bank_ = 0;
    bool writing_ = false;
    ChannelCounters counters_;
};

}  // namespace tilemesh::memory
