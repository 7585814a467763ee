// SPDX-License-Identifier: Apache-2.0
// What a kernel says when it hands its PE a piece of work as a launch of its own: which kind, and in what blocks it
// is dealt out. What that costs is the machine's affair (sim/pe/launch.h); on machines without launch costs, nothing.
#pragma once

#include "sim/base/units.h"

#include <cstdint>
#include <vector>

namespace tilemesh {

struct LaunchedWork {
    enum class Kind : std::uint8_t {
        simple,     // element by element, or one product
        attention,  // a block product: queries of one rank with the keys of one chunk
        exchange,   // messages to and from other PEs
        gradients,  // a block product of a backward pass: what it adds to dq, dk and dv
    };
    Kind kind = Kind::simple;
    /// Work of the blocks in the order in which they are dealt to the PE's units, in any one measure; none: the work
    /// divides evenly.
    std::vector<double> blocks{};
    int messages = 0;  // exchange: sent and received
    Bytes bytes{};     // exchange: the most that goes one way between this PE and another
};

}  // namespace tilemesh
