// SPDX-License-Identifier: Apache-2.0
// How tokens and heads are divided over ranks and over the PEs of a rank.
#pragma once

#include "sim/attention/mask.h"

namespace tilemesh::attention {

/// Part `index` of `parts` of [0, total): contiguous, sizes differ by at most one, the longer parts first.
/// parts may exceed total; the surplus parts are empty.
Range contiguous_part(std::int64_t total, std::int64_t parts, std::int64_t index);

}  // namespace tilemesh::attention
