// SPDX-License-Identifier: Apache-2.0
// Which points of a design space are dropped.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/run/resolve.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::search {

/// What a condition asks of one figure of a point: a key, or a product of keys.
struct Requirement {
    std::vector<std::string> keys;  // their product, where there are several
    std::vector<Json> any_of;       // one of these; none: the range decides
    std::optional<double> above, below;
    std::string where;  // in the file, for errors
};
/// A point that meets all of them is dropped.
using Condition = std::vector<Requirement>;

/// {"machine.pe.queue_depth": 4, "kernel": ["a", "b"]}, or {"product": [keys], "above": 3}. Machines are named as
/// seen from `folder`, as an axis does. InputError.
Condition read_condition(JsonReader reader, const std::filesystem::path& folder);

/// Whether a panel says what a condition may ask for: "kernel", a key of it, or "kernel.X" of any of its kernels.
bool says(const Json& panel, const std::string& key);

/// `panel` has that kernel alone. A machine is the file that it comes from, whoever named it and whatever else is set
/// in it; tables of machines are what is in them, or as one of `set` has them.
bool meets(const Condition& condition, const std::string& kernel, const run::Resolved& panel,
           const std::vector<run::Setting>& set);

}  // namespace tilemesh::search
