// SPDX-License-Identifier: Apache-2.0
// The version that `tilemesh --version` prints and every result file carries, and that of the model.
#pragma once

#include <string>

namespace tilemesh::run {

/// As in project() of the top CMakeLists.txt.
std::string version();

/// A hash of the sources that results depend on: the same model gives the same times.
std::string model_version();

}  // namespace tilemesh::run
