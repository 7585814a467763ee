// SPDX-License-Identifier: Apache-2.0
// Where the configuration files are that come with tilemesh.
#pragma once

#include <filesystem>

namespace tilemesh::cli {

/// Those of TILEMESH_SHARE if it is set; else the nearest configs/ at or above where the user stands that is one of a
/// tree of tilemesh, with every kind of file that comes with it, else those that come with this tilemesh. A project
/// may have a folder of that name for its own panels.
std::filesystem::path find_configs();

}  // namespace tilemesh::cli
