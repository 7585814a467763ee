// SPDX-License-Identifier: Apache-2.0
// The book of one PE's SRAM: how much is taken when, given that tiles are freed at times that may lie ahead. Room
// only is counted; placement inside the SRAM is not modelled (a compacting allocator is assumed).
#pragma once

#include "sim/base/ring_queue.h"
#include "sim/base/units.h"

#include <algorithm>
#include <utility>

namespace tilemesh::pe {

class Sram {
public:
    explicit Sram(Bytes capacity) : capacity_(capacity) {}

    struct Answer {
        bool granted = false;
        Picoseconds when;  // granted: from when the room exists; else: look again then (max: when something resolves)
    };
    /// Takes `bytes` at the earliest time from `wanted` on. `settled` is a time before which no tile can be freed
    /// that is not in the book yet; frees later than that are only used once nothing earlier can come.
    /// Calls `freed` with the time of what has become free since, where that lowers what is in use.
    template <class Freed>
    Answer take(Bytes bytes, Picoseconds wanted, Picoseconds settled, Freed freed) {
        while (true) {
            while (!frees_.empty() && frees_.front().when <= wanted) {
                const Free free = frees_.pop();
                used_ -= free.bytes;
                freed(free.when);
            }
            if (used_ + bytes <= capacity_) {
                used_ += bytes;
                peak_ = std::max(peak_, used_);
                return {true, wanted};
            }
            if (frees_.empty()) return {false, Picoseconds::max()};
            if (frees_.front().when > settled) return {false, frees_.front().when};
            wanted = frees_.front().when;
        }
    }
    Answer take(Bytes bytes, Picoseconds wanted, Picoseconds settled) {
        return take(bytes, wanted, settled, [](Picoseconds) {});
    }
    /// `bytes` are free from `when` on.
    void give_back(Bytes bytes, Picoseconds when) {
        frees_.push({when, bytes});
        for (std::size_t at = frees_.size() - 1; at > 0 && frees_[at - 1].when > when; --at)
            std::swap(frees_[at - 1], frees_[at]);
    }
    Bytes capacity() const { return capacity_; }
    Bytes used() const { return used_; }
    Bytes peak() const { return peak_; }
    bool nothing_to_come() const { return frees_.empty(); }
    /// Bytes taken and not yet scheduled to be free: what leaks if it stays.
    Bytes held() const {
        Bytes held = used_;
        for (std::size_t i = 0; i < frees_.size(); ++i) held -= frees_[i].bytes;
        return held;
    }

private:
    struct Free {
        Picoseconds when;
        Bytes bytes;
    };

    Bytes capacity_;
    Bytes used_;
    Bytes peak_;
    RingQueue<Free> frees_;  // earliest first; most come in that order
};

}  // namespace tilemesh::pe
