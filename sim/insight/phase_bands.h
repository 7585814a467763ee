// SPDX-License-Identifier: Apache-2.0
// The phases of one command processor as bands within each other, a row for each level.
#pragma once

#include "sim/insight/phases.h"

#include <vector>

namespace tilemesh::insight {

class PhaseBands {
public:
    struct Band {
        std::size_t level;
        std::uint32_t phase;
        Picoseconds begin, end;
    };
    /// The processor has come into a phase. Times do not go back. The bands that have ended, the innermost first:
    /// those of phases that it is in no more; what it leaves and enters again at the same instant goes on.
    const std::vector<Band>& enter(const Phases& phases, std::uint32_t phase, Picoseconds when);
    /// All that are open end.
    const std::vector<Band>& close(const Phases& phases, Picoseconds when);

private:
    struct Open {
        std::uint32_t phase;
        Picoseconds begin;
    };
    void settle(const Phases& phases);

    std::vector<Open> open_;  // by level
    std::uint32_t current_ = Phases::none;
    Picoseconds since_;  // it is in it; what is open may still be what it was in before
    std::vector<Band> ended_;
};

}  // namespace tilemesh::insight
