// SPDX-License-Identifier: Apache-2.0
// Looking for configs/.
#include "tools/cli/configs.h"

#include "sim/base/error.h"

#include <optional>

namespace tilemesh::cli {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> configs_above(fs::path folder) {
    for (;; folder = folder.parent_path()) {
        if (fs::is_directory(folder / "configs" / "panels")) return folder / "configs";
        if (folder == folder.parent_path()) return std::nullopt;
    }
}

}  // namespace

fs::path find_configs() {
    std::error_code ignored;
    if (const auto found = configs_above(fs::current_path())) return fs::relative(*found);
    if (const auto found = configs_above(fs::read_symlink("/proc/self/exe", ignored).parent_path())) return *found;
    fail<InputError>("found no configs folder here or above, expected to be inside the tilemesh source tree");
}

}  // namespace tilemesh::cli
