// SPDX-License-Identifier: Apache-2.0
// How long a run may last: times are 64 bits of picoseconds.
#pragma once

#include "sim/base/units.h"

namespace tilemesh {

/// 53 days: sums of a few times that are no longer fit as well.
inline constexpr Picoseconds longest_run{std::uint64_t{1} << 62};

}  // namespace tilemesh
