// SPDX-License-Identifier: Apache-2.0
// CMake passes the version in.
#include "sim/run/version.h"

namespace tilemesh::run {

std::string version() { return TILEMESH_VERSION; }

}  // namespace tilemesh::run
