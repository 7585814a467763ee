// SPDX-License-Identifier: Apache-2.0
// What a panel's result depends on beside what the panel says: the files that it names.
#pragma once

#include <nlohmann/json.hpp>

namespace tilemesh::search {

/// Puts what is in a file in the place of its name, wherever it lies and whoever names it from where; of Python, what
/// is in the files that it imports as well. InputError for a file that cannot be read. What a function of a check
/// reads by itself, a table of its own, is not known.
void put_content_for_files(nlohmann::json& panel);

}  // namespace tilemesh::search
