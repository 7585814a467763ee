// SPDX-License-Identifier: Apache-2.0
// What triton.autotune above kernels in Python would try, as kernels of a panel.
#pragma once

#include "sim/base/json_reader.h"

#include <vector>

namespace tilemesh::workloads {

/// For each element of "kernels" its programs with every configuration that stands above them in their files in
/// "constants", of several programs every combination; nothing of those that have none. InputError where
/// configurations are not known without running the file.
std::vector<Json> with_tuned_constants(const std::vector<Json>& kernels);

/// Does such an element itself give all constants of one of them?
bool has_tuned_constants(const Json& kernel);

}  // namespace tilemesh::workloads
