// SPDX-License-Identifier: Apache-2.0
// The mask kinds a panel can name, and the reader of a panel's "mask". A new kind is one file in this folder and one
// row of the list in kinds.cpp.
#pragma once

#include "sim/attention/mask.h"
#include "sim/base/json_reader.h"

#include <memory>
#include <span>
#include <string_view>

namespace tilemesh::attention {

struct MaskKind {
    std::string_view name;
    /// Reads the members beside "kind". The caller rejects members that were not asked for.
    std::shared_ptr<const Mask> (*read)(JsonReader& reader);
};

std::span<const MaskKind> mask_kinds();

/// Reads {"kind": NAME, ...} or {"all_of": [MASK, ...]}.
std::shared_ptr<const Mask> read_mask(JsonReader reader);

}  // namespace tilemesh::attention
