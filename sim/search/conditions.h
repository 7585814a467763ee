// SPDX-License-Identifier: Apache-2.0
// Which points of a design space are dropped.
#pragma once

#include "sim/base/json_reader.h"

#include <optional>
#include <string>
#include <vector>

namespace tilemesh::search {

/// What a condition asks of one figure of a point: a key, or a product of keys.
struct Requirement {
    std::vector<std::string> keys;  // their product, where there are several
    std::vector<Json> any_of;       // one of these; none: the range decides
    std::optional<double> above, below;
};
/// A point that meets all of them is dropped.
using Condition = std::vector<Requirement>;

/// {"machine.pe.queue_depth": 4, "kernel": ["a", "b"]}, or {"product": [keys], "above": 3}. InputError.
Condition read_condition(JsonReader reader);

/// `panel` has that kernel alone.
bool meets(const Condition& condition, const std::string& kernel, const Json& panel);

}  // namespace tilemesh::search
