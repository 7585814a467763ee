// SPDX-License-Identifier: Apache-2.0
// The timing rules of a channel: from which tick on a command may go out, given what went out before. Measuring a
// profile asks for them millions of times, so they are where the controller's files can take them in.
#pragma once

#include "sim/memory/channel_controller.h"

#include <algorithm>

namespace tilemesh::memory {

inline void ChannelController::delay_columns(const Bank& b, bool write, std::int64_t now) {
    PseudoChannel& pc = pseudo_channel(b.pseudo_channel);
    BankGroup& group = group_of(b);
    if (write) {
        const std::int64_t written = now + t_.cwl + t_.burst;
        pc.next.not_before(written + t_.wtr_s, now + t_.ccd_s);
        group.next.not_before(written + t_.wtr_l, now + t_.ccd_l);
        return;
    }
    pc.next.not_before(now + t_.burst, now + t_.rtw);
    group.next.not_before(now + t_.ccd_l, never);
    for (std::size_t s = 0; s < pc.next_read_of_stack.size(); ++s) {
        const std::int64_t next = now + (static_cast<int>(s) == b.stack ? t_.ccd_s : t_.ccd_r);
        pc.next_read_of_stack[s] = std::max(pc.next_read_of_stack[s], next);
    }
}

inline std::int64_t ChannelController::column_ready(int index, bool write) {
    const Bank& b = bank(index);
    const PseudoChannel& pc = pseudo_channel(b.pseudo_channel);
    const std::int64_t ready =
        std::max({column_bus_free_, pc.next.of(write), group_of(b).next.of(write), b.next.of(write)});
    return write ? ready : std::max(ready, pc.next_read_of_stack[static_cast<std::size_t>(b.stack)]);
}

inline std::int64_t ChannelController::soonest_column(bool write) const {
    std::int64_t soonest = forever;
    for (const PseudoChannel& pc : pseudo_channels_) soonest = std::min(soonest, pc.next.of(write));
    return on_clock(std::max(column_bus_free_, soonest));
}

inline std::int64_t ChannelController::activate_ready_in(const PseudoChannel& pc) const {
    const std::int64_t length = t_.precharge_command - t_.activate_command;  // times count between ends of commands
    return std::max({pc.activated + t_.rrd_s, pc.refreshed_bank + t_.rrefd + length, pc.refreshed + t_.rfc + length,
                     pc.last_activates[pc.oldest_activate] + t_.faw});
}

inline std::int64_t ChannelController::activate_ready(int index) {
    const Bank& b = bank(index);
    const BankGroup& group = group_of(b);
    const std::int64_t length = t_.precharge_command - t_.activate_command;
    return on_clock(
        std::max({row_bus_free_, b.precharged + t_.rp + length, b.activated + t_.ras + t_.rp,
                  b.refreshed + t_.rfc_bank + length, group.activated + t_.rrd_l, group.refreshed + t_.rrd_l + length,
                  activate_ready_in(pseudo_channel(b.pseudo_channel))}));
}

inline std::int64_t ChannelController::soonest_activate() const {
    std::int64_t soonest = forever;
    for (const PseudoChannel& pc : pseudo_channels_) soonest = std::min(soonest, activate_ready_in(pc));
    return on_clock(std::max(row_bus_free_, soonest));
}

inline std::int64_t ChannelController::precharge_ready_in(const PseudoChannel& pc) const {
    return pc.precharged + t_.ppd;
}

inline std::int64_t ChannelController::precharge_ready(int index) {
    const Bank& b = bank(index);
    const std::int64_t length = t_.clock - t_.precharge_command;
    return std::max({row_bus_free_, b.activated + t_.ras + t_.activate_command - t_.precharge_command,
                     b.read + t_.rtp + length, b.written + t_.cwl + t_.burst + t_.wr + length,
                     precharge_ready_in(pseudo_channel(b.pseudo_channel))});
}

inline std::int64_t ChannelController::soonest_precharge() const {
    std::int64_t soonest = forever;
    for (const PseudoChannel& pc : pseudo_channels_) soonest = std::min(soonest, precharge_ready_in(pc));
    return std::max(row_bus_free_, soonest);
}

inline std::int64_t ChannelController::refresh_ready(const Refresh& refresh) {
    const PseudoChannel& pc = pseudo_channel(refresh.pseudo_channel);
    const std::int64_t length = t_.activate_command - t_.precharge_command;
    const std::int64_t cycle = t_.ras + t_.rp;
    if (refresh.bank < 0)
        return on_clock(std::max({row_bus_free_, pc.activated + cycle + length, pc.precharged + t_.rp,
                                  pc.refreshed_bank + t_.rfc_bank, pc.refreshed + t_.rfc}));
    // What nothing has come to yet holds nothing up.
    const auto known_bank = bank_places_.find(refresh.bank);
    const Bank b = known_bank == bank_places_.end() ? Bank() : bank(known_bank->second);
    const auto known_group = group_places_.find(refresh.bank / banks_per_group_);
    const BankGroup group =
        known_group == group_places_.end() ? BankGroup() : groups_[static_cast<std::size_t>(known_group->second)];
    return on_clock(
        std::max({row_bus_free_, b.activated + cycle + length, b.precharged + t_.rp, pc.activated + t_.rrd_s + length,
                  group.activated + t_.rrd_l + length, pc.refreshed_bank + t_.rrefd, pc.refreshed + t_.rfc,
                  pc.last_activates[pc.oldest_activate] + t_.faw + length}));
}

}  // namespace tilemesh::memory
