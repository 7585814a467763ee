// SPDX-License-Identifier: Apache-2.0
// What a kernel says when it hands its PE a piece of work as a launch of its own: which kind, and in what blocks it
// is dealt out. What that costs is the machine's affair (sim/pe/launch.h); on machines without launch costs, nothing.
#pragma once

#include "sim/base/dtype.h"
#include "sim/base/units.h"

#include <cstdint>
#include <vector>

namespace tilemesh {

/// How a block product is cut: each block of queries passes the chunks of keys that it sees.
struct LaunchedChunks {
    std::vector<int> seen{};          // by block, as they are dealt: chunks of keys of which it sees something
    std::size_t per_head = 0;         // blocks of one head, which follow each other
    std::int64_t rows = 0, keys = 0;  // of a whole block and of a whole chunk
    std::int64_t key_dim = 0, value_dim = 0;
    bool latents = false;             // v is part of k
    Dtype dtype = Dtype::bf16;        // of q, k and v
    Dtype probability = Dtype::bf16;  // of p as an operand
};

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
    int messages = 0;         // exchange: sent and received
    Bytes bytes{};            // exchange: the most that goes one way between this PE and another
    LaunchedChunks chunks{};  // attention: the same blocks by chunks; none: not said
};

}  // namespace tilemesh
