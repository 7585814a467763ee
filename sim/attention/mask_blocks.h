// SPDX-License-Identifier: Apache-2.0
// What a rank asks of a mask: about the query heads of one user together, and about tokens that may be strided
// (a shard of a zigzag or striped context). Masks themselves answer for one head and for tokens side by side; here
// their answers are put together.
#pragma once

#include "sim/attention/mask.h"
#include "sim/attention/ranges.h"

#include <cstdint>
#include <vector>

namespace tilemesh::attention {

/// An arithmetic run of token positions: first, first + stride, ...
struct Run {
    std::int64_t first = 0;
    std::int64_t count = 0;
    std::int64_t stride = 1;  // positive

    bool empty() const { return count <= 0; }
    std::int64_t at(std::int64_t i) const { return first + i * stride; }
    /// The smallest range that holds every position of the run.
    Range hull() const { return empty() ? Range{first, first} : Range{first, at(count - 1) + 1}; }
    /// Positions number begin .. end of this run.
    Run part(std::int64_t begin, std::int64_t end) const {
        return {at(begin), end > begin ? end - begin : 0, stride};
    }
    bool operator==(const Run&) const = default;
};

/// Query heads of one user that look together.
struct Viewers {
    int user = 0;
    Range heads;
};

/// How much of the block the heads see: none when no head sees any pair, all when every head sees every pair. Exact
/// for every mask, also an all_of: halves the block until it has found a visible and a hidden pair. Of a block that
/// takes too many halvings (large strided blocks of a periodic mask) it says some, which is never wrong, only costly.
Visible visible(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys);

/// Quick answer from the hulls: right whenever it says none or all, may say some where the exact answer is none or
/// all.
Visible visible_at_a_glance(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys);

/// Does any of the heads see any pair? Stops at the first one; after too many halvings it says yes.
bool any_visible(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys);

/// Visible pairs, summed over the heads. Exact.
std::uint64_t visible_pairs(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys);

/// Keys that at least one of the queries sees under at least one of the heads, as sorted disjoint ranges of indices
/// into `keys`. Every range begins and ends at a key that is seen; keys inside may not be: ranges less than `join`
/// indices apart are joined (1 or less: none are, every key in the ranges is seen).
Ranges seen_keys(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys, std::int64_t join);

}  // namespace tilemesh::attention
