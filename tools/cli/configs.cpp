// SPDX-License-Identifier: Apache-2.0
// Looking for configs/.
#include "tools/cli/configs.h"

#include "sim/base/shared_files.h"

#include <cstdlib>

namespace tilemesh::cli {

namespace fs = std::filesystem;

fs::path find_configs() {
    if (std::getenv("TILEMESH_SHARE")) return shared_folder("configs");
    for (fs::path folder = fs::current_path();; folder = folder.parent_path()) {
        if (fs::is_directory(folder / "configs" / "panels")) return fs::relative(folder / "configs");
        if (folder == folder.parent_path()) return shared_folder("configs");
    }
}

}  // namespace tilemesh::cli
