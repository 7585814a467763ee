// SPDX-License-Identifier: Apache-2.0
// In which keys two resolved configurations differ.
#pragma once

#include "sim/base/json_reader.h"

#include <string>
#include <vector>

namespace tilemesh::run {

/// "machine.pe.vector.lanes 1024 -> 512", in the order of the old one; paths are those of --set.
std::vector<std::string> changed_keys(const Json& before, const Json& after);

}  // namespace tilemesh::run
