// SPDX-License-Identifier: Apache-2.0
// Division and remainder toward minus infinity: queries may lie before position 0, and blocks, segments and strides
// go on there as they do after it.
#pragma once

#include <cstdint>

namespace tilemesh::attention {

/// The number of the part of `size` positions that holds this one; part 0 begins at position 0. `size` is positive.
constexpr std::int64_t floor_divide(std::int64_t position, std::int64_t size) {
    return position / size - (position % size < 0 ? 1 : 0);
}

/// The place of a position in its part, from 0 on.
constexpr std::int64_t floor_remainder(std::int64_t position, std::int64_t size) {
    const std::int64_t rest = position % size;
    return rest < 0 ? rest + size : rest;
}

}  // namespace tilemesh::attention
