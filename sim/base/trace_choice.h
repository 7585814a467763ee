// SPDX-License-Identifier: Apache-2.0
// What of a run goes into a trace, and where to.
#pragma once

#include "sim/base/units.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

namespace tilemesh {

struct TraceChoice {
    std::filesystem::path file;  // empty: no trace
    Picoseconds from, to = Picoseconds::max();
    std::vector<std::pair<int, int>> pes;  // first and last of each range; none: all
    Bytes limit{2'000'000'000};            // of the file

    bool wanted() const { return !file.empty(); }
    bool has(int pe) const {
        return pes.empty() || std::any_of(pes.begin(), pes.end(),
                                          [=](const auto& range) { return range.first <= pe && pe <= range.second; });
    }
    /// Does any of it lie in the window?
    bool has(Picoseconds begin, Picoseconds end) const { return begin < to && (end > from || begin >= from); }
};

}  // namespace tilemesh
