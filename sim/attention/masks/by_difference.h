// SPDX-License-Identifier: Apache-2.0
// Masks that depend on query position minus key position alone. Such a mask says which differences it shows, as a
// running count; blocks and pairs follow in constant time, because the differences in a block lie side by side.
#pragma once

#include "sim/attention/mask.h"

namespace tilemesh::attention {

class ByDifference : public Mask {
public:
    bool by_difference() const override { return true; }
    Visible block(Viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return Visible::none;
        const std::int64_t least = queries.begin - (keys.end - 1), most = queries.end - 1 - keys.begin;
        const std::int64_t shown = shown_up_to(most) - shown_up_to(least - 1);
        if (shown == 0) return Visible::none;
        return shown == most - least + 1 ? Visible::all : Visible::some;
    }

    // Query i sees shown_up_to(i - keys.begin) - shown_up_to(i - keys.end) keys; the sum over i is a difference of
    // sums. They may wrap around 2^64: the result does not.
    std::uint64_t visible_pairs(Viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return 0;
        const auto up_to_query = [&](std::int64_t query) {
            return sum_up_to(query - keys.begin) - sum_up_to(query - keys.end);
        };
        return up_to_query(queries.end - 1) - up_to_query(queries.begin - 1);
    }

protected:
    /// How many differences not above `difference` are shown; finite.
    virtual std::int64_t shown_up_to(std::int64_t difference) const = 0;
    /// shown_up_to() summed over every difference not above this one, modulo 2^64.
    virtual std::uint64_t sum_up_to(std::int64_t difference) const = 0;

    /// 1 + 2 + ... + n modulo 2^64; 0 for n below 1.
    static std::uint64_t triangle(std::int64_t n) {
        if (n < 1) return 0;
        const auto m = static_cast<std::uint64_t>(n);
        return m % 2 == 0 ? m / 2 * (m + 1) : (m + 1) / 2 * m;
    }
};

}  // namespace tilemesh::attention
