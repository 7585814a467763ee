// SPDX-License-Identifier: Apache-2.0
// What `tilemesh validate --json` writes, and comparisons on their way between processes.
#pragma once

#include "sim/validation/validate.h"

namespace tilemesh::validation {

/// {"schema_version", "tool_version", "kind": "validation", "suites": [...], "host"}: same input, same bytes apart
/// from the host block.
Json to_json(const ValidationResult& result);

/// Infinite and undefined numbers become null, and come back as undefined.
Json to_json(const std::vector<Comparison>& comparisons);
std::vector<Comparison> comparisons_from_json(const Json& json);

}  // namespace tilemesh::validation
