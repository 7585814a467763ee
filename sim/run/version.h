// SPDX-License-Identifier: Apache-2.0
// The version that `tilemesh --version` prints and every result file carries.
#pragma once

#include <string>

namespace tilemesh::run {

/// As in project() of the top CMakeLists.txt.
std::string version();

}  // namespace tilemesh::run
