// SPDX-License-Identifier: Apache-2.0
// Refreshes of a channel's banks: when they fall due, how they go out, and what is left of those in idle time.
#include "sim/memory/channel_controller.h"

#include "sim/memory/command_ready.h"

#include <algorithm>
#include <numeric>

namespace tilemesh::memory {

void ChannelController::post_refreshes(std::int64_t now) {
    while (now >= next_refresh_) {
        if (refresh_mode_ == RefreshMode::all_bank) {
            for (int pc = 0; pc < pseudo_channel_count_; ++pc) refreshes_.push_back({pc, -1});
            next_refresh_ += t_.refi;
            continue;
        }
        const int count = refresh_together_ ? banks_per_lane_ : banks_of_channel();
        for (int bank = next_refresh_bank_; bank < banks_of_channel(); bank += count)
            refreshes_.push_back({pseudo_channel_of(bank), bank});
        next_refresh_bank_ = (next_refresh_bank_ + 1) % count;
        next_refresh_ += t_.refi_bank;
    }
}

bool ChannelController::issue_refresh(std::int64_t now) {
    const Refresh refresh = refreshes_.front();
    std::vector<int>& open = open_for_refresh_;
    open.clear();
    if (refresh.bank < 0) {
        for (std::size_t i = 0; i < banks_.size(); ++i)
            if (banks_[i].open && banks_[i].pseudo_channel == refresh.pseudo_channel)
                open.push_back(static_cast<int>(i));
    } else if (const auto known = bank_places_.find(refresh.bank); known != bank_places_.end()) {
        if (bank(known->second).open) open.push_back(known->second);
    }
    std::int64_t closes = 0;
    for (const int index : open) {
        if (bank(index).promised) return false;  // its column command will wake us
        closes = std::max(closes, precharge_ready(index));
    }
    const std::int64_t ready = open.empty() ? refresh_ready(refresh) : closes;
    if (ready > now) {
        wake_ = std::min(wake_, ready);
        return false;
    }
    if (!open.empty()) {
        for (const int index : open) precharge(index, now);
        return true;
    }
    row_bus_free_ = now + t_.precharge_command;
    if (refresh.bank < 0)
        pseudo_channel(refresh.pseudo_channel).refreshed = now;
    else
        refresh_bank(refresh.bank, now);
    refreshes_.pop_front();
    ++counters_.refreshes;
    return true;
}

void ChannelController::refresh_bank(int number, std::int64_t now) {
    PseudoChannel& pc = pseudo_channel(pseudo_channel_of(number));
    pc.refreshed_bank = now;
    pc.last_activates[pc.oldest_activate] = now;  // a refresh draws current like an activate
    pc.oldest_activate = (pc.oldest_activate + 1) % 4;
    if (const auto known = bank_places_.find(number); known != bank_places_.end())
        bank(known->second).refreshed = now;
    if (const auto known = group_places_.find(number / banks_per_group_); known != group_places_.end())
        groups_[static_cast<std::size_t>(known->second)].refreshed = now;
    while (!bank_refreshes_.empty() && bank_refreshes_.front().at + memory_of_refreshes() < now)
        bank_refreshes_.pop_front();
    bank_refreshes_.push_back({number, now});
}

std::int64_t ChannelController::memory_of_refreshes() const {
    return 2 * (t_.rfc + t_.rfc_bank + t_.rrefd + t_.rrd_l + t_.faw + t_.ras + t_.rp + t_.activate_command +
                t_.precharge_command + t_.clock);
}

void ChannelController::rest_until(std::int64_t now) {
    std::vector<Completion> none;
    while (true) {
        skip_refreshes(now);
        const std::int64_t next = std::max(wake_, last_tick_ + 1);
        if (next >= now) return;
        tick(next, none);
    }
}

void ChannelController::skip_refreshes(std::int64_t now) {
    if (refresh_mode_ == RefreshMode::none || !refreshes_.empty() || wake_ != next_refresh_) return;
    const bool all = refresh_mode_ == RefreshMode::all_bank;
    const std::int64_t interval = all ? t_.refi : t_.refi_bank;
    // Commands go out on clocks, so the refreshes of one interval are those of another only where both begin alike.
    const std::int64_t alike = t_.clock / std::gcd(t_.clock, interval);
    // A whole round of those has left nothing over since there was work, and what later commands may have to wait for
    // comes from refreshes that are not skipped.
    const std::int64_t reach = memory_of_refreshes() + alike * interval;
    if (next_refresh_ < last_busy_ + reach || next_refresh_ + reach > now) return;
    std::int64_t intervals = (now - reach - next_refresh_) / interval;
    const int turns = all ? 1 : refresh_together_ ? banks_per_lane_ : banks_of_channel();
    for (const Bank& bank : banks_) {
        if (!bank.open) continue;
        if (all) return;
        intervals =
            std::min<std::int64_t>(intervals, (bank.number - next_refresh_bank_ + banks_of_channel()) % turns);
    }
    intervals -= intervals % alike;
    next_refresh_ += intervals * interval;
    wake_ = next_refresh_;
    counters_.refreshes += static_cast<std::uint64_t>(intervals) *
                           static_cast<std::uint64_t>(all || refresh_together_ ? pseudo_channel_count_ : 1);
    next_refresh_bank_ = static_cast<int>((next_refresh_bank_ + intervals) % turns);
}

}  // namespace tilemesh::memory
