// SPDX-License-Identifier: Apache-2.0
// Where the configuration files are that come with tilemesh.
#pragma once

#include <filesystem>

namespace tilemesh::cli {

/// The nearest configs/ at or above where the user stands, else above where the command was built.
std::filesystem::path find_configs();

}  // namespace tilemesh::cli
