// SPDX-License-Identifier: Apache-2.0
// The events of the network in order of time, then of kind, then of what they concern; never of when they were
// posted, so that the order in which processes of one instant ran cannot show. Most events lie a few router cycles
// ahead: they go into days of a fixed length around a ring, and only the present day is kept sorted.
#pragma once

#include "sim/base/units.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <cstdint>
#include <vector>

namespace tilemesh::noc {

struct Event {
    std::uint64_t when;  // picoseconds
    std::uint32_t kind;  // the lower first
    std::uint32_t what;
    bool operator>(const Event& other) const {
        if (when != other.when) return when > other.when;
        return kind != other.kind ? kind > other.kind : what > other.what;
    }
};

class Calendar {
public:
    bool empty() const { return count_ == 0; }
    /// When the first event is due; max: there is none.
    Picoseconds next() {
        if (count_ == 0) return Picoseconds::max();
        turn_to_first_day();
        return Picoseconds(today_.front().when);
    }
    void post(Picoseconds when, std::uint32_t kind, std::uint32_t what) {
        const Event event{when.value(), kind, what};
        ++count_;
        const std::uint64_t day = event.when >> day_bits;
        if (day <= day_) {
            push(today_, event);
        } else if (day - day_ < days) {
            auto& events = ring_[day % days];
            if (events.empty()) used_[day % days / 64] |= std::uint64_t{1} << (day % 64);
            events.push_back(event);
        } else {
            push(later_, event);
        }
    }
    /// The first event; there must be one.
    Event take() {
        turn_to_first_day();
        --count_;
        return pop(today_);
    }

private:
    static constexpr int day_bits = 8;  // a day is 256 ps
    static constexpr std::uint64_t days = 1024;
    using Heap = std::vector<Event>;

    static void push(Heap& heap, const Event& event) {
        heap.push_back(event);
        std::push_heap(heap.begin(), heap.end(), std::greater<>{});
    }
    static Event pop(Heap& heap) {
        std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
        const Event event = heap.back();
        heap.pop_back();
        return event;
    }
    void turn_to_first_day() {
        if (today_.empty()) turn_the_page();
    }
    void turn_the_page();

    Heap today_, later_;  // later_: beyond the ring
    std::array<std::vector<Event>, days> ring_;
    std::array<std::uint64_t, days / 64> used_{};  // which days of the ring have events
    std::uint64_t day_ = 0;
    std::size_t count_ = 0;
};

}  // namespace tilemesh::noc
