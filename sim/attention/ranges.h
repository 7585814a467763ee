// SPDX-License-Identifier: Apache-2.0
// Lists of ranges of local indices. Tables have millions of them, nearly all of one or two ranges, which are kept in
// place.
#pragma once

#include "sim/attention/mask.h"
#include "sim/base/few.h"

#include <cstdint>

namespace tilemesh::attention {

/// Ranges of local indices: sorted, disjoint, not empty (what is collected for united() need not be).
using Ranges = Few<Range, 2>;

std::int64_t total(const Ranges& ranges);
/// Sorted, and joined where they touch or overlap.
Ranges united(Ranges ranges);
/// Are they so already?
bool is_united(const Ranges& ranges);
Ranges intersection(const Ranges& a, const Ranges& b);
/// Every index of `inner` is in `outer`.
bool covers(const Ranges& outer, const Ranges& inner);

}  // namespace tilemesh::attention
