// SPDX-License-Identifier: Apache-2.0
// The mask kinds a panel can name, and the reader of a panel's "mask". A new kind is one file in this folder and one
// row of the list in kinds.cpp.
#pragma once

#include "sim/attention/problem.h"
#include "sim/base/json_reader.h"

#include <memory>
#include <span>
#include <string_view>

namespace tilemesh::attention {

/// Positions, and lengths counted in positions, do not exceed this.
constexpr std::uint64_t furthest_position = std::uint64_t{1} << 40;

/// What a mask may know when it is read. The users' query_offset is not known yet: it may depend on the mask. What
/// depends on it is checked by Mask::refuses.
struct MaskReading {
    const MaskSources& sources;
    std::span<const User> users;
    std::int64_t heads_q = 1;
};

struct MaskKind {
    std::string_view name;
    /// Reads the members beside "kind". The caller rejects members that were not asked for.
    std::shared_ptr<const Mask> (*read)(JsonReader& reader, const MaskReading& reading);
};

std::span<const MaskKind> mask_kinds();

/// Reads {"kind": NAME, ...} or {"all_of": [MASK, ...]}.
std::shared_ptr<const Mask> read_mask(JsonReader reader, const MaskReading& reading);

}  // namespace tilemesh::attention
