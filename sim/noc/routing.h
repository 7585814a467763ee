// SPDX-License-Identifier: Apache-2.0
// Reading the ways that packets take through a grid: ["east", "south"].
#pragma once

#include "sim/noc/config.h"

#include <vector>

namespace tilemesh::noc {

/// Every dimension in which there is somewhere to go, once; one way only where it leads around. InputError with the
/// place of what cannot be.
std::vector<Way> read_routing(const JsonReader& reader, const GridConfig& grid);

}  // namespace tilemesh::noc
