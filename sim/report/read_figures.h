// SPDX-License-Identifier: Apache-2.0
// Figures of results as they are read back.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"

#include <cstdint>
#include <limits>
#include <string_view>

namespace tilemesh::report {

inline Picoseconds read_time(JsonReader& reader, std::string_view key) {
    return Picoseconds(reader.integer(key, 0, std::numeric_limits<std::uint64_t>::max()));
}

}  // namespace tilemesh::report
