// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/agenda.h"

#include "sim/noc/sim_time.h"

#include <algorithm>
#include <functional>

namespace tilemesh::noc {

Agenda::Agenda(sc_core::sc_module_name name) : sc_module(name) {
    SC_METHOD(run);
    dont_initialize();
    sensitive << wake_;
}

void Agenda::enter(Entry& entry, Picoseconds when) {
    const Picoseconds now = simulated_now();
    if (when <= now) {
        next_.push_back({&entry, sc_core::sc_delta_count()});
    } else {
        later_.push_back({when, entered_++, &entry});
        std::push_heap(later_.begin(), later_.end(), std::greater<>{});
    }
    if (!running_) wake_for_next(now);
}

void Agenda::run() {
    const Picoseconds now = simulated_now();
    const std::uint64_t delta = sc_core::sc_delta_count();
    running_ = true;
    // What is entered in this very delta cycle waits for the next, whoever ran first.
    std::size_t first = 0;
    for (; first < next_.size() && next_[first].delta != delta; ++first) next_[first].entry->due();
    next_.erase(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(first));
    while (!later_.empty() && later_.front().when <= now) {
        std::pop_heap(later_.begin(), later_.end(), std::greater<>{});
        Entry& entry = *later_.back().entry;
        later_.pop_back();
        entry.due();
    }
    running_ = false;
    wake_for_next(now);
}

void Agenda::wake_for_next(Picoseconds now) {
    // Of several notices SystemC keeps the first.
    if (!next_.empty()) {
        wake_.notify(sc_core::SC_ZERO_TIME);
    } else if (!later_.empty()) {
        wake_.notify(to_sc_time(later_.front().when - now));
    }
}

}  // namespace tilemesh::noc
