// SPDX-License-Identifier: Apache-2.0
// What costs energy, by PE and window of time. Windows become twice as wide whenever the run outgrows them, so that
// memory does not grow with the run.
#pragma once

#include "sim/base/units.h"
#include "sim/energy/counts.h"

#include <vector>

namespace tilemesh::insight {

class EnergyWindows {
public:
    static constexpr std::size_t most = 256, least = 16;
    static constexpr Picoseconds narrowest{1000};

    explicit EnergyWindows(int pes);
    /// So much of it from `begin` to `end`, evenly; all of it at `begin` when that is the end too.
    void add(int pe, energy::Use use, std::uint64_t count, Picoseconds begin, Picoseconds end);
    /// Makes windows at least so wide that all of `time` is in them.
    void cover(Picoseconds time);

    Picoseconds width() const { return width_; }
    /// Those of `time`, which the last may outlast.
    std::size_t count(Picoseconds time) const { return (time.value() + width_.value() - 1) / width_.value(); }
    const energy::Counts& of(int pe, std::size_t window) const {
        return counts_[static_cast<std::size_t>(pe) * bins_ + window];
    }

private:
    std::size_t bins_ = most;
    Picoseconds width_ = narrowest;
    std::vector<energy::Counts> counts_;  // by PE, then by window
};

}  // namespace tilemesh::insight
