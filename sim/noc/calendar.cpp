// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/calendar.h"

namespace tilemesh::noc {

void Calendar::turn_the_page() {
    // The first day in use after the present one: words of 64 days, beginning within one and coming back to it.
    std::uint64_t next = ~std::uint64_t{0};
    const std::uint64_t begin = day_ % days;
    for (std::uint64_t i = 0; i <= days / 64; ++i) {
        const std::uint64_t word = (begin / 64 + i) % (days / 64);
        std::uint64_t bits = used_[word];
        if (i == 0) bits &= ~std::uint64_t{0} << (begin % 64);
        if (i == days / 64) bits &= ~(~std::uint64_t{0} << (begin % 64));
        if (bits == 0) continue;
        const std::uint64_t found = word * 64 + static_cast<std::uint64_t>(std::countr_zero(bits));
        next = day_ + (found + days - begin) % days;
        break;
    }
    if (!later_.empty()) next = std::min(next, later_.front().when >> day_bits);
    day_ = next;
    today_.clear();
    at_ = 0;
    auto& events = ring_[day_ % days];
    if (!events.empty() && events.front().when >> day_bits == day_) {
        today_.swap(events);
        spare_.emplace_back().swap(events);
        used_[day_ % days / 64] &= ~(std::uint64_t{1} << (day_ % 64));
    }
    while (!later_.empty() && later_.front().when >> day_bits == day_) {
        std::pop_heap(later_.begin(), later_.end(), std::greater<>{});
        today_.push_back(later_.back());
        later_.pop_back();
    }
    put_in_order(today_);
}

namespace {

/// As they happen; those that are equal as they were posted.
bool happens_before(const Calendar::Event& a, const Calendar::Event& b) {
    if (a.when != b.when) return a.when < b.when;
    return a.kind() < Calendar::external || b.kind() < Calendar::external ? a.kind() < b.kind() : a < b;
}

}  // namespace

void Calendar::put_in_order(std::vector<Event>& events) {
    constexpr std::size_t few = 24;
    if (events.size() <= few) {
        for (std::size_t i = 1; i < events.size(); ++i) {
            const Event event = events[i];
            std::size_t place = i;
            for (; place > 0 && happens_before(event, events[place - 1]); --place) events[place] = events[place - 1];
            events[place] = event;
        }
        return;
    }
    std::array<std::uint32_t, kinds + 1> places{};  // where the events of each kind begin
    const std::uint64_t when = events.front().when;
    for (const Event& event : events) {
        if (event.when != when) {  // several instants in one day
            std::stable_sort(events.begin(), events.end(), happens_before);
            return;
        }
        ++places[event.kind() + 1];
    }
    for (std::uint32_t kind = 0; kind < kinds; ++kind) places[kind + 1] += places[kind];
    const std::uint32_t from = places[external];
    by_kind_.resize(events.size());
    for (const Event& event : events) by_kind_[places[event.kind()]++] = event;
    std::sort(by_kind_.begin() + from, by_kind_.end());
    events.swap(by_kind_);
}

}  // namespace tilemesh::noc
