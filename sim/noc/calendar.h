// SPDX-License-Identifier: Apache-2.0
// The events of the network in order of time, then of kind. Most lie a few router cycles ahead: they go into days of
// a fixed length around a ring, and a day is put in order when it comes. Events of one time and kind follow each
// other as they were posted, which the network's own past decides; only kinds that SystemC's processes post
// (`external` and above) go by what they concern, so that the order in which processes of one instant ran cannot
// show.
#pragma once

#include "sim/base/units.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

namespace tilemesh::noc {

class Calendar {
public:
    static constexpr std::uint32_t kinds = 8, external = 5;
    struct Event {
        std::uint64_t when;  // picoseconds
        std::uint64_t kind_and_what;
        std::uint32_t kind() const { return static_cast<std::uint32_t>(kind_and_what >> 32); }  // the lower first
        std::uint32_t what() const { return static_cast<std::uint32_t>(kind_and_what); }
        bool operator<(const Event& other) const {
            return when != other.when ? when < other.when : kind_and_what < other.kind_and_what;
        }
        bool operator>(const Event& other) const { return other < *this; }
    };

    bool empty() const { return count_ == 0; }
    /// When the first event is due; max: there is none.
    Picoseconds next() {
        if (count_ == 0) return Picoseconds::max();
        if (day_is_over()) turn_the_page();
        return Picoseconds(first().when);
    }
    void post(Picoseconds when, std::uint32_t kind, std::uint32_t what) {
        const Event event{when.value(), (std::uint64_t{kind} << 32) | what};
        ++count_;
        const std::uint64_t day = event.when >> day_bits;
        if (day <= day_) {
            late_.push_back(event);
            std::push_heap(late_.begin(), late_.end(), std::greater<>{});
        } else if (day - day_ < days) {
            auto& events = ring_[day % days];
            if (events.empty()) begin_day(day);
            events.push_back(event);
        } else {
            later_.push_back(event);
            std::push_heap(later_.begin(), later_.end(), std::greater<>{});
        }
    }
    /// The event that probably comes after so many others, if it is known: for a hint.
    const Event* after(std::size_t others) const {
        return at_ + others < today_.size() ? &today_[at_ + others] : nullptr;
    }
    /// The first event; there must be one.
    Event take() {
        if (day_is_over()) turn_the_page();
        return take_of_today();
    }
    /// The first event into `event` if it is due by `limit`.
    bool take_until(Picoseconds limit, Event& event) {
        if (day_is_over()) {
            if (count_ == 0) return false;
            turn_the_page();
        }
        if (first().when > limit.value()) return false;
        event = take_of_today();
        return true;
    }

private:
    static constexpr int day_bits = 8;  // a day is 256 ps
    static constexpr std::uint64_t days = 1024;

    bool day_is_over() const { return at_ == today_.size() && late_.empty(); }
    const Event& first() const {
        if (late_.empty()) return today_[at_];
        return at_ < today_.size() && today_[at_] < late_.front() ? today_[at_] : late_.front();
    }
    Event take_of_today() {
        --count_;
        if (late_.empty() || (at_ < today_.size() && today_[at_] < late_.front())) return today_[at_++];
        std::pop_heap(late_.begin(), late_.end(), std::greater<>{});
        const Event event = late_.back();
        late_.pop_back();
        return event;
    }
    /// The first event of a day: it gets memory that was used just now, not what that day had a round ago.
    void begin_day(std::uint64_t day) {
        used_[day % days / 64] |= std::uint64_t{1} << (day % 64);
        if (spare_.empty()) return;
        ring_[day % days].swap(spare_.back());
        spare_.pop_back();
    }
    void turn_the_page();
    void put_in_order(std::vector<Event>& events);

    std::vector<Event> by_kind_;  // for putting in order
    std::vector<Event> today_;    // in order; up to at_ they have been taken
    std::size_t at_ = 0;
    std::vector<Event> late_;   // for today or before, posted since it began; a heap
    std::vector<Event> later_;  // beyond the ring; a heap
    std::array<std::vector<Event>, days> ring_;
    std::vector<std::vector<Event>> spare_;        // empty, with memory
    std::array<std::uint64_t, days / 64> used_{};  // which days of the ring have events
    std::uint64_t day_ = 0;
    std::size_t count_ = 0;
};

}  // namespace tilemesh::noc
