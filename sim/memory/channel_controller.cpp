// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/channel_controller.h"

#include "sim/memory/command_ready.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

ChannelController::ChannelController(const HbmConfig& config, const CommandTicks& ticks)
    : t_(ticks),
      queue_entries_(static_cast<std::size_t>(config.queue_entries)),
      bank_queue_entries_(config.bank_queue_entries),
      pseudo_channel_count_(config.geometry.pseudo_channels),
      banks_per_lane_(config.geometry.banks_per_lane()),
      banks_per_group_(config.geometry.banks),
      banks_per_stack_(config.geometry.banks * config.geometry.bank_groups),
      refresh_mode_(config.refresh),
      refresh_together_(config.refresh_together),
      acknowledge_at_command_(config.acknowledge_at_command),
      pseudo_channels_(static_cast<std::size_t>(pseudo_channel_count_)),
      next_refresh_(refresh_mode_ == RefreshMode::none       ? forever
                    : refresh_mode_ == RefreshMode::all_bank ? t_.refi
                                                             : t_.refi_bank) {
    for (PseudoChannel& one : pseudo_channels_)
        one.next_read_of_stack.assign(static_cast<std::size_t>(config.geometry.stacks), never);
}

int ChannelController::group_numbered(int number) {
    const auto [place, missing] = group_places_.try_emplace(number, static_cast<int>(groups_.size()));
    if (missing) {
        BankGroup& group = groups_.emplace_back();
        for (const BankRefresh& refresh : bank_refreshes_)
            if (refresh.bank / banks_per_group_ == number) group.refreshed = refresh.at;
    }
    return place->second;
}

int ChannelController::bank_numbered(int number) {
    const auto [place, missing] = bank_places_.try_emplace(number, static_cast<int>(banks_.size()));
    if (missing) {
        Bank bank;
        bank.number = number;
        bank.pseudo_channel = pseudo_channel_of(number);
        bank.stack = number % banks_per_lane_ / banks_per_stack_;
        bank.group = group_numbered(number / banks_per_group_);
        for (const BankRefresh& refresh : bank_refreshes_)
            if (refresh.bank == number) bank.refreshed = refresh.at;
        banks_.push_back(bank);
    }
    return place->second;
}

void ChannelController::push(const Access& access) {
    const int index = bank_numbered(access.bank), direction = access.write ? 1 : 0;
    const Bank& b = bank(index);
    WaitingLines& lines = lines_[static_cast<std::size_t>(direction)];
    lines.push(index, access);
    if (lines.size_of(index) > bank_queue_entries_) ++taken_[static_cast<std::size_t>(direction)];
    if (!b.open || b.row != access.row) reconsider(index);
    wake_ = 0;
}

void ChannelController::reconsider(int index) {
    const Bank& b = bank(index);
    if (b.promised || waiting().hits_row(index) || waiting().size_of(index) == 0) return;
    row_wake_ = std::min(row_wake_, b.open ? precharge_ready(index) : activate_ready(index));
}

void ChannelController::leave(int index, bool write) {
    if (lines_[write ? 1 : 0].size_of(index) > bank_queue_entries_) --taken_[write ? 1 : 0];
}

void ChannelController::choose_direction() {
    // Writes wait until most of their queue is full or no read stands in the way, and then go out together.
    const bool before = writing_;
    const std::size_t reads = lines_[0].size(), writes = lines_[1].size();
    if (writing_)
        writing_ = !(writes * 5 < queue_entries_ && reads > 0);
    else
        writing_ = writes * 5 > queue_entries_ * 4 || reads == 0;
    if (writing_ != before) row_wake_ = 0;
}

void ChannelController::column(const Chosen& chosen, std::int64_t now, std::vector<Completion>& completed) {
    Bank& b = bank(chosen.bank);
    PseudoChannel& pc = pseudo_channel(b.pseudo_channel);
    column_bus_free_ = now + t_.clock;
    delay_columns(b, chosen.access.write, now);
    if (chosen.access.write) {
        b.written = pc.written = now;
        ++counters_.writes;
        completed.push_back({chosen.access.tag, acknowledge_at_command_ ? now : now + t_.cwl + t_.burst});
    } else {
        b.read = pc.read = now;
        ++counters_.reads;
        completed.push_back({chosen.access.tag, now + t_.cl + t_.burst});
    }
}

bool ChannelController::issue_column(std::int64_t now, std::vector<Completion>& completed) {
    if (column_bus_free_ > now) {
        wake_ = std::min(wake_, column_bus_free_);
        return false;
    }
    for (std::size_t i = 0; i < promised_.size(); ++i) {
        const Chosen promised = promised_[i];
        const std::int64_t ready = column_ready(promised.bank, promised.access.write);
        if (ready <= now) {
            bank(promised.bank).promised = false;
            column(promised, now, completed);
            promised_.erase(promised_.begin() + static_cast<std::ptrdiff_t>(i));
            reconsider(promised.bank);
            return true;
        }
        wake_ = std::min(wake_, on_clock(ready));
    }
    if (!refreshes_.empty()) return false;
    const std::int64_t soonest = soonest_column(writing_);
    std::int64_t first = forever;  // of those seen, not yet on a clock
    for (const WaitingLines::Asking& asking : waiting().to_move()) {
        const int index = asking.line;
        const std::int64_t ready = column_ready(index, writing_);
        if (ready <= now) {
            ++counters_.row_hits;
            leave(index, writing_);
            column({waiting().take_hit(index), index}, now, completed);
            reconsider(index);
            return true;
        }
        first = std::min(first, ready);
        if (now < soonest && std::min(first, wake_) <= soonest)
            break;  // no other can be served now, or is to be waited for
    }
    if (first < wake_) wake_ = std::min(wake_, on_clock(first));
    return false;
}

void ChannelController::activate(int index, std::uint64_t row, std::int64_t now) {
    Bank& b = bank(index);
    PseudoChannel& pc = pseudo_channel(b.pseudo_channel);
    b.open = b.promised = true;
    b.row = row;
    for (WaitingLines& lines : lines_) lines.row_opened(index, row);
    b.activated = group_of(b).activated = pc.activated = now;
    const std::int64_t opened = now + t_.activate_command - t_.clock;
    b.next = {opened + t_.rcd_read, opened + t_.rcd_write};
    pc.last_activates[pc.oldest_activate] = now;
    pc.oldest_activate = (pc.oldest_activate + 1) % 4;
    row_bus_free_ = now + t_.activate_command;
    ++counters_.activates;
}

void ChannelController::precharge(int index, std::int64_t now) {
    Bank& b = bank(index);
    b.open = false;
    for (WaitingLines& lines : lines_) lines.row_closed(index);
    b.precharged = pseudo_channel(b.pseudo_channel).precharged = now;
    row_bus_free_ = now + t_.precharge_command;
    ++counters_.precharges;
}

bool ChannelController::issue_row(std::int64_t now) {
    if (row_bus_free_ > now) {
        wake_ = std::min(wake_, row_bus_free_);
        return false;
    }
    if (!refreshes_.empty()) {
        row_wake_ = 0;
        return issue_refresh(now);
    }
    if (row_wake_ > now) {
        wake_ = std::min(wake_, row_wake_);
        return false;
    }
    row_wake_ = forever;
    const std::vector<WaitingLines::Asking>&to_close = waiting().to_close(), &to_open = waiting().to_open();
    const WaitingLines::Asking* close = to_close.empty() ? nullptr : first_ready(to_close, now, soonest_precharge());
    const WaitingLines::Asking* open = to_open.empty() ? nullptr : first_ready(to_open, now, soonest_activate());
    const WaitingLines::Asking* first = open == nullptr || (close != nullptr && *close < *open) ? close : open;
    if (first == nullptr) {
        wake_ = std::min(wake_, row_wake_);
        return false;
    }
    serve_row(first->line, now);
    row_wake_ = 0;
    return true;
}

const WaitingLines::Asking* ChannelController::first_ready(const std::vector<WaitingLines::Asking>& lines,
                                                           std::int64_t now, std::int64_t soonest) {
    for (const WaitingLines::Asking& asking : lines) {
        const Bank& b = bank(asking.line);
        if (b.promised) continue;
        const std::int64_t ready = b.open ? precharge_ready(asking.line) : activate_ready(asking.line);
        if (ready <= now) return &asking;
        row_wake_ = std::min(row_wake_, ready);
        if (now < soonest && row_wake_ <= soonest) return nullptr;  // no other can be served now, or is waited for
    }
    return nullptr;
}

void ChannelController::serve_row(int index, std::int64_t now) {
    if (bank(index).open) {
        precharge(index, now);
    } else {
        leave(index, writing_);
        promised_.push_back({waiting().take_oldest(index), index});
        activate(index, promised_.back().access.row, now);
    }
}

void ChannelController::account(std::int64_t now) {
    // Between the calls nothing was issued; that is what the column bus waited for, if there was anything to issue.
    const std::int64_t waited = had_work_ ? now - std::max(last_tick_, column_bus_free_) : 0;
    last_tick_ = now;
    if (!has_work()) return;
    last_busy_ = now;
    if (waited <= 0) return;
    const auto ticks = static_cast<std::uint64_t>(waited);
    const bool refreshing =
        std::any_of(pseudo_channels_.begin(), pseudo_channels_.end(),
                    [&](const PseudoChannel& pc) { return now <= pc.refreshed + t_.rfc + t_.rcd_read; });
    const auto turning = [&](const WaitingLines::Asking& asking) {
        const Bank& b = bank(asking.line);
        const PseudoChannel& pc = pseudo_channel(b.pseudo_channel);
        return writing_ ? pc.read > pc.written : pc.written > pc.read;
    };
    const auto any_turning = [&](const std::vector<WaitingLines::Asking>& lines) {
        return std::any_of(lines.begin(), lines.end(), turning);
    };
    if (refreshing || !refreshes_.empty())
        counters_.waited_refresh += ticks;
    else if (any_turning(waiting().to_move()) || any_turning(waiting().to_close()))
        counters_.waited_turnaround += ticks;
    else
        counters_.waited_rows += ticks;
}

void ChannelController::tick(std::int64_t now, std::vector<Completion>& completed) {
    account(now);
    if (now >= next_refresh_) post_refreshes(now);
    choose_direction();
    wake_ = next_refresh_;
    const bool on_clock = now % t_.clock == 0;
    bool issued = on_clock && issue_column(now, completed);
    // The direction may turn when its last request has left.
    choose_direction();
    issued = issue_row(now) || issued;
    had_work_ = has_work();
    if (issued || !on_clock) wake_ = std::min(wake_, now + 1);
}

}  // namespace tilemesh::memory
