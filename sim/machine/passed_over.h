// SPDX-License-Identifier: Apache-2.0
// What PEs passed over instead of having it simulated, added to what was recorded of those parts that have it all
// from one PE.
#pragma once

#include "sim/base/recorder.h"
#include "sim/machine/statistics.h"
#include "sim/tile/repetition.h"

#include <array>
#include <vector>

namespace tilemesh::machine {

/// The parts that a PE's own work is done by.
struct OwnParts {
    std::array<ComponentId, Effort::engines> engines{};
    ComponentId slice = 0;
};

/// Adds it. Commands wait as long, and movers are as busy for a byte, as in what was simulated; but no longer than
/// the run, of which what was simulated may be the part in which they were.
void add_passed(std::vector<Totals>& totals, const OwnParts& parts, const Effort& passed, Picoseconds run);

}  // namespace tilemesh::machine
