// SPDX-License-Identifier: Apache-2.0
// The timing rules of a channel: from which tick on a command may go out, given what went out before.
#include "sim/memory/channel_controller.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::memory {

CommandTicks::CommandTicks(const HbmConfig& config) {
    const HbmTiming& timing = config.timing;
    nanoseconds_per_tick = timing.row_command_slot;
    const auto ticks = [&](double ns) {
        return static_cast<std::int64_t>(std::ceil(ns / nanoseconds_per_tick - 1e-6));
    };
    clock = ticks(timing.clock);
    activate_command = ticks(timing.activate_command);
    precharge_command = ticks(timing.precharge_command);
    burst = ticks(static_cast<double>(config.geometry.burst) / config.lane_rate().gbytes_per_s());
    cl = ticks(timing.tCL), cwl = ticks(timing.tCWL), rcd_read = ticks(timing.tRCDRD),
    rcd_write = ticks(timing.tRCDWR);
    rp = ticks(timing.tRP), ras = ticks(timing.tRAS), wr = ticks(timing.tWR), rtp = ticks(timing.tRTP);
    ccd_s = std::max(burst, ticks(timing.tCCD_S)), ccd_l = ticks(timing.tCCD_L), ccd_r = ticks(timing.tCCD_R);
    rrd_s = ticks(timing.tRRD_S), rrd_l = ticks(timing.tRRD_L), faw = ticks(timing.tFAW), ppd = ticks(timing.tPPD);
    wtr_s = ticks(timing.tWTR_S), wtr_l = ticks(timing.tWTR_L), rtw = ticks(timing.tRTW);
    rfc = ticks(timing.tRFC), rfc_bank = ticks(timing.tRFCpb), rrefd = ticks(timing.tRREFD);
    refi = ticks(timing.tREFI), refi_bank = ticks(timing.tREFIpb);
}

std::int64_t ChannelController::column_ready_in(const PseudoChannel& pc, bool write) const {
    return write ? std::max(pc.written + t_.ccd_s, pc.read + t_.rtw)
                 : std::max(pc.read + t_.burst, pc.written + t_.cwl + t_.burst + t_.wtr_s);
}

std::int64_t ChannelController::column_ready(int index, bool write) {
    const Bank& b = bank(index);
    const BankGroup& group = group_of(b);
    const PseudoChannel& pc = pseudo_channel(b.pseudo_channel);
    const std::int64_t opened = b.activated + t_.activate_command - t_.clock;
    std::int64_t ready = std::max(column_bus_free_, column_ready_in(pc, write));
    if (write) return on_clock(std::max({ready, opened + t_.rcd_write, group.written + t_.ccd_l}));
    ready =
        std::max({ready, opened + t_.rcd_read, group.read + t_.ccd_l, group.written + t_.cwl + t_.burst + t_.wtr_l});
    for (std::size_t s = 0; s < pc.stack_read.size(); ++s)
        ready = std::max(ready, pc.stack_read[s] + (static_cast<int>(s) == b.stack ? t_.ccd_s : t_.ccd_r));
    return on_clock(ready);
}

std::int64_t ChannelController::soonest_column(bool write) const {
    std::int64_t soonest = forever;
    for (const PseudoChannel& pc : pseudo_channels_) soonest = std::min(soonest, column_ready_in(pc, write));
    return on_clock(std::max(column_bus_free_, soonest));
}

std::int64_t ChannelController::activate_ready_in(const PseudoChannel& pc) const {
    const std::int64_t length = t_.precharge_command - t_.activate_command;  // times count between ends of commands
    return std::max({pc.activated + t_.rrd_s, pc.refreshed_bank + t_.rrefd + length, pc.refreshed + t_.rfc + length,
                     pc.last_activates[pc.oldest_activate] + t_.faw});
}

std::int64_t ChannelController::activate_ready(int index) {
    const Bank& b = bank(index);
    const BankGroup& group = group_of(b);
    const std::int64_t length = t_.precharge_command - t_.activate_command;
    return on_clock(
        std::max({row_bus_free_, b.precharged + t_.rp + length, b.activated + t_.ras + t_.rp,
                  b.refreshed + t_.rfc_bank + length, group.activated + t_.rrd_l, group.refreshed + t_.rrd_l + length,
                  activate_ready_in(pseudo_channel(b.pseudo_channel))}));
}

std::int64_t ChannelController::soonest_activate() const {
    std::int64_t soonest = forever;
    for (const PseudoChannel& pc : pseudo_channels_) soonest = std::min(soonest, activate_ready_in(pc));
    return on_clock(std::max(row_bus_free_, soonest));
}

std::int64_t ChannelController::precharge_ready_in(const PseudoChannel& pc) const { return pc.precharged + t_.ppd; }

std::int64_t ChannelController::precharge_ready(int index) {
    const Bank& b = bank(index);
    const std::int64_t length = t_.clock - t_.precharge_command;
    return std::max({row_bus_free_, b.activated + t_.ras + t_.activate_command - t_.precharge_command,
                     b.read + t_.rtp + length, b.written + t_.cwl + t_.burst + t_.wr + length,
                     precharge_ready_in(pseudo_channel(b.pseudo_channel))});
}

std::int64_t ChannelController::soonest_precharge() const {
    std::int64_t soonest = forever;
    for (const PseudoChannel& pc : pseudo_channels_) soonest = std::min(soonest, precharge_ready_in(pc));
    return std::max(row_bus_free_, soonest);
}

std::int64_t ChannelController::refresh_ready(const Refresh& refresh) {
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
