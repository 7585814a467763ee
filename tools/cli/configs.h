// SPDX-License-Identifier: Apache-2.0
// Where the configuration files are that come with tilemesh.
#pragma once

#include <filesystem>

namespace tilemesh::cli {

/// Those of TILEMESH_SHARE if it is set; else the nearest configs/ at or above where the user stands, else those that
/// come with tilemesh.
std::filesystem::path find_configs();

}  // namespace tilemesh::cli
