// SPDX-License-Identifier: Apache-2.0
// How busy a part was over time, in bins that are as wide as the run makes them: memory does not grow with the run.
#pragma once

#include "sim/base/units.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tilemesh::insight {

class BusyShare {
public:
    static constexpr std::size_t most_bins = 1024;
    static constexpr Picoseconds narrowest{1000};

    /// Busy from `begin` to `end`, counted from the first bin on. Stretches do not overlap.
    void add(Picoseconds begin, Picoseconds end) {
        cover(end);
        std::uint64_t at = begin.value();
        while (at < end.value()) {
            const std::uint64_t bin = at / width_.value();
            const std::uint64_t next = std::min(end.value(), (bin + 1) * width_.value());
            if (bin >= busy_.size()) busy_.resize(bin + 1);
            busy_[bin] += Picoseconds(next - at);
            at = next;
        }
    }
    /// Makes the bins at least so wide that `time` has at most most_bins of them.
    void cover(Picoseconds time) {
        while (width_.value() * most_bins < time.value()) {
            for (std::size_t i = 0; 2 * i < busy_.size(); ++i)
                busy_[i] = busy_[2 * i] + (2 * i + 1 < busy_.size() ? busy_[2 * i + 1] : Picoseconds());
            busy_.resize((busy_.size() + 1) / 2);
            width_ += width_;
        }
    }
    Picoseconds width() const { return width_; }
    /// By bin, from the first to the last in which it was busy at all.
    const std::vector<Picoseconds>& busy() const { return busy_; }

private:
    Picoseconds width_ = narrowest;
    std::vector<Picoseconds> busy_;
};

}  // namespace tilemesh::insight
