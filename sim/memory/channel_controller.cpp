// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/channel_controller.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tilemesh::memory {
namespace {

constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

/// Removes an element and keeps the order of the others.
void take(std::vector<Access>& queue, std::size_t index) {
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace

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
      banks_(static_cast<std::size_t>(pseudo_channel_count_ * banks_per_lane_)),
      groups_(banks_.size() / static_cast<std::size_t>(banks_per_group_)),
      pseudo_channels_(static_cast<std::size_t>(pseudo_channel_count_)),
      next_refresh_(refresh_mode_ == RefreshMode::none       ? forever
                    : refresh_mode_ == RefreshMode::all_bank ? t_.refi
                                                             : t_.refi_bank) {
    for (PseudoChannel& one : pseudo_channels_)
        one.stack_read.assign(static_cast<std::size_t>(config.geometry.stacks), never);
}

void ChannelController::push(const Access& access) {
    (access.write ? writes_ : reads_).push_back(access);
    Bank& b = bank(access.bank);
    if (++b.queued[access.write ? 1 : 0] > bank_queue_entries_) ++taken_[access.write ? 1 : 0];
    if (b.open && b.row == access.row)
        ++b.wanted[access.write ? 1 : 0];
    else
        reconsider(access.bank);
    wake_ = 0;
}

void ChannelController::reconsider(int number) {
    const Bank& b = bank(number);
    const std::size_t direction = writing_ ? 1 : 0;
    if (b.promised || b.wanted[direction] > 0 || b.queued[direction] == 0) return;
    row_wake_ = std::min(row_wake_, b.open ? precharge_ready(number) : activate_ready(number));
}

void ChannelController::leave(bool write, std::size_t index) {
    std::vector<Access>& queue = write ? writes_ : reads_;
    if (bank(queue[index].bank).queued[write ? 1 : 0]-- > bank_queue_entries_) --taken_[write ? 1 : 0];
    take(queue, index);
}

void ChannelController::post_refreshes(std::int64_t now) {
    while (now >= next_refresh_) {
        if (refresh_mode_ == RefreshMode::all_bank) {
            for (int pc = 0; pc < pseudo_channel_count_; ++pc) refreshes_.push_back({pc, -1});
            next_refresh_ += t_.refi;
            continue;
        }
        const int count = refresh_together_ ? banks_per_lane_ : static_cast<int>(banks_.size());
        for (int bank = next_refresh_bank_; bank < static_cast<int>(banks_.size()); bank += count)
            refreshes_.push_back({pseudo_channel_of(bank), bank});
        next_refresh_bank_ = (next_refresh_bank_ + 1) % count;
        next_refresh_ += t_.refi_bank;
    }
}

void ChannelController::choose_direction() {
    // Writes wait until most of their queue is full or no read stands in the way, and then go out together.
    const bool before = writing_;
    if (writing_)
        writing_ = !(writes_.size() * 5 < queue_entries_ && !reads_.empty());
    else
        writing_ = writes_.size() * 5 > queue_entries_ * 4 || reads_.empty();
    if (writing_ != before) row_wake_ = 0;
}

void ChannelController::column(const Access& access, std::int64_t now, std::vector<Completion>& completed) {
    Bank& b = bank(access.bank);
    BankGroup& group = groups_[group_of(access.bank)];
    PseudoChannel& pc = pseudo_channel(pseudo_channel_of(access.bank));
    column_bus_free_ = now + t_.clock;
    if (access.write) {
        b.written = group.written = pc.written = now;
        ++counters_.writes;
        completed.push_back({access.tag, acknowledge_at_command_ ? now : now + t_.cwl + t_.burst});
    } else {
        b.read = group.read = pc.read = now;
        pc.stack_read[static_cast<std::size_t>(access.bank % banks_per_lane_ / banks_per_stack_)] = now;
        ++counters_.reads;
        completed.push_back({access.tag, now + t_.cl + t_.burst});
    }
}

bool ChannelController::issue_column(std::int64_t now, std::vector<Completion>& completed) {
    if (column_bus_free_ > now) {
        wake_ = std::min(wake_, column_bus_free_);
        return false;
    }
    for (std::size_t i = 0; i < promised_.size(); ++i) {
        const std::int64_t ready = column_ready(promised_[i]);
        if (ready <= now) {
            const int number = promised_[i].bank;
            bank(number).promised = false;
            column(promised_[i], now, completed);
            take(promised_, i);
            reconsider(number);
            return true;
        }
        wake_ = std::min(wake_, ready);
    }
    if (!refreshes_.empty()) return false;
    std::vector<Access>& queue = writing_ ? writes_ : reads_;
    ++scan_;
    for (std::size_t i = 0; i < queue.size(); ++i) {
        Bank& b = bank(queue[i].bank);
        if (!b.open || b.row != queue[i].row || std::exchange(b.looked_at, scan_) == scan_) continue;
        const std::int64_t ready = column_ready(queue[i]);
        if (ready <= now) {
            ++counters_.row_hits;
            const int number = queue[i].bank;
            --b.wanted[writing_ ? 1 : 0];
            column(queue[i], now, completed);
            leave(writing_, i);
            reconsider(number);
            return true;
        }
        wake_ = std::min(wake_, ready);
    }
    return false;
}

void ChannelController::activate(int number, std::uint64_t row, std::int64_t now) {
    Bank& b = bank(number);
    PseudoChannel& pc = pseudo_channel(pseudo_channel_of(number));
    b.open = b.promised = true;
    b.row = row;
    for (const Access& access : reads_) b.wanted[0] += access.bank == number && access.row == row ? 1 : 0;
    for (const Access& access : writes_) b.wanted[1] += access.bank == number && access.row == row ? 1 : 0;
    b.activated = groups_[group_of(number)].activated = pc.activated = now;
    pc.last_activates[pc.oldest_activate] = now;
    pc.oldest_activate = (pc.oldest_activate + 1) % 4;
    row_bus_free_ = now + t_.activate_command;
    ++counters_.activates;
}

void ChannelController::precharge(int number, std::int64_t now) {
    bank(number).open = false;
    bank(number).wanted = {0, 0};
    bank(number).precharged = pseudo_channel(pseudo_channel_of(number)).precharged = now;
    row_bus_free_ = now + t_.precharge_command;
    ++counters_.precharges;
}

bool ChannelController::issue_refresh(std::int64_t now) {
    const Refresh refresh = refreshes_.front();
    PseudoChannel& pc = pseudo_channel(refresh.pseudo_channel);
    const int first = refresh.bank < 0 ? refresh.pseudo_channel * banks_per_lane_ : refresh.bank;
    const int last = refresh.bank < 0 ? first + banks_per_lane_ - 1 : first;
    bool open = false;
    std::int64_t closes = 0;
    for (int number = first; number <= last; ++number) {
        if (bank(number).promised) return false;  // its column command will wake us
        if (!bank(number).open) continue;
        open = true;
        closes = std::max(closes, precharge_ready(number));
    }
    const std::int64_t ready = open ? closes : refresh_ready(refresh);
    if (ready > now) {
        wake_ = std::min(wake_, ready);
        return false;
    }
    if (open) {
        for (int number = first; number <= last; ++number)
            if (bank(number).open) precharge(number, now);
        return true;
    }
    row_bus_free_ = now + t_.precharge_command;
    if (refresh.bank < 0) {
        pc.refreshed = now;
    } else {
        pc.refreshed_bank = groups_[group_of(refresh.bank)].refreshed = bank(refresh.bank).refreshed = now;
        pc.last_activates[pc.oldest_activate] = now;  // a refresh draws current like an activate
        pc.oldest_activate = (pc.oldest_activate + 1) % 4;
    }
    refreshes_.pop_front();
    ++counters_.refreshes;
    return true;
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
    std::vector<Access>& queue = writing_ ? writes_ : reads_;
    ++scan_;
    row_wake_ = forever;
    for (std::size_t i = 0; i < queue.size(); ++i) {
        const Access access = queue[i];
        Bank& b = bank(access.bank);
        // A row that is still wanted stays open.
        if (b.promised || b.wanted[writing_ ? 1 : 0] > 0 || std::exchange(b.looked_at, scan_) == scan_) continue;
        const std::int64_t ready = b.open ? precharge_ready(access.bank) : activate_ready(access.bank);
        if (ready > now) {
            row_wake_ = std::min(row_wake_, ready);
            continue;
        }
        if (b.open) {
            precharge(access.bank, now);
        } else {
            promised_.push_back(access);
            leave(writing_, i);
            activate(access.bank, access.row, now);
        }
        row_wake_ = 0;
        return true;
    }
    wake_ = std::min(wake_, row_wake_);
    return false;
}

void ChannelController::account(std::int64_t now) {
    // Between the calls nothing was issued; that is what the column bus waited for.
    const std::int64_t waited = now - std::max(last_tick_, column_bus_free_);
    last_tick_ = now;
    if (waited <= 0 || (reads_.empty() && writes_.empty() && promised_.empty())) return;
    const auto ticks = static_cast<std::uint64_t>(waited);
    const bool refreshing =
        std::any_of(pseudo_channels_.begin(), pseudo_channels_.end(),
                    [&](const PseudoChannel& pc) { return now <= pc.refreshed + t_.rfc + t_.rcd_read; });
    const auto turning = [&](const Access& access) {
        const PseudoChannel& pc = pseudo_channel(pseudo_channel_of(access.bank));
        return bank(access.bank).open && (access.write ? pc.read > pc.written : pc.written > pc.read);
    };
    const std::vector<Access>& queue = writing_ ? writes_ : reads_;
    if (refreshing || !refreshes_.empty())
        counters_.waited_refresh += ticks;
    else if (std::any_of(queue.begin(), queue.end(), turning))
        counters_.waited_turnaround += ticks;
    else
        counters_.waited_rows += ticks;
}

void ChannelController::tick(std::int64_t now, std::vector<Completion>& completed) {
    account(now);
    post_refreshes(now);
    choose_direction();
    wake_ = next_refresh_;
    bool issued = now % t_.clock == 0 && issue_column(now, completed);
    // The direction may turn when its last request has left.
    choose_direction();
    issued = issue_row(now) || issued;
    if (issued || now % t_.clock != 0) wake_ = std::min(wake_, now + 1);
}

}  // namespace tilemesh::memory
