// SPDX-License-Identifier: Apache-2.0
// How tokens and heads are divided over ranks and over the PEs of a rank.
#pragma once

#include "sim/attention/mask_blocks.h"

#include <cstdint>
#include <vector>

namespace tilemesh::attention {

/// Part `index` of `parts` of [0, total): contiguous, sizes differ by at most one, the longer parts first.
/// parts may exceed total; the surplus parts are empty.
Range contiguous_part(std::int64_t total, std::int64_t parts, std::int64_t index);

/// Which tokens a rank owns.
enum class Sharding : std::uint8_t {
    contiguous,  // one part after the other
    zigzag,      // of 2 n half-parts, rank r has number r and number 2n - 1 - r: under a causal mask, equal work
    striped,     // every n-th token: equal work too, and every rank sees something of every other's tokens
};

/// The tokens of [0, total) that rank `rank` of `ranks` owns, in ascending order; its local token i is number i
/// through the runs. Contiguous and striped have one run, zigzag one per half-part (two, also where they touch);
/// empty runs are left out, so a rank without tokens has none.
std::vector<Run> tokens_of(Sharding sharding, std::int64_t total, int ranks, int rank);

/// The same tokens where those of `gap` are not counted: token number gap.begin of the rest is number gap.end of all.
std::vector<Run> around(const std::vector<Run>& runs, Range gap);

}  // namespace tilemesh::attention
