// SPDX-License-Identifier: Apache-2.0
// Looking for configs/.
#include "tools/cli/configs.h"

#include "sim/base/shared_files.h"

#include <cstdlib>

namespace tilemesh::cli {

namespace fs = std::filesystem;

namespace {

bool comes_with_tilemesh(const fs::path& configs) {
    std::error_code ignored;
    for (const char* kind : {"machines", "milestones", "panels", "probes", "validation"})
        if (!fs::is_directory(configs / kind, ignored)) return false;
    return true;
}

}  // namespace

fs::path find_configs() {
    if (std::getenv("TILEMESH_SHARE")) return shared_folder("configs");
    for (fs::path folder = fs::current_path();; folder = folder.parent_path()) {
        if (comes_with_tilemesh(folder / "configs")) return fs::relative(folder / "configs");
        if (folder == folder.parent_path()) return shared_folder("configs");
    }
}

}  // namespace tilemesh::cli
