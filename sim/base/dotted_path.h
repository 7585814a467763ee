// SPDX-License-Identifier: Apache-2.0
// Looking up what --set would change: "machine.pe.queue_depth", "problem.users.0.keys".
#pragma once

#include "sim/base/json_reader.h"

#include <string>

namespace tilemesh {

/// The value at a dotted path; null when there is none.
const Json* member(const Json& json, const std::string& path);

}  // namespace tilemesh
