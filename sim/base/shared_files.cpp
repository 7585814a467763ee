// SPDX-License-Identifier: Apache-2.0
// Where tilemesh's own files are: one search for all of them.
#include "sim/base/shared_files.h"

#include "sim/base/error.h"
#include "sim/base/shared_files_of_package.h"

#include <cstdlib>
#include <vector>

namespace tilemesh {
namespace {

namespace fs = std::filesystem;

/// Where a shared folder lies in the source tree.
fs::path in_source_tree(std::string_view name) {
    const fs::path tree = TILEMESH_SOURCE_FOLDER;
    return name == "python" ? tree / "tools" / "python" : tree / name;
}

}  // namespace

fs::path shared_folder(std::string_view name) {
    std::error_code ignored;
    if (const char* given = std::getenv("TILEMESH_SHARE"); given && *given != '\0') {
        const fs::path folder = fs::path(given) / name;
        if (fs::is_directory(folder, ignored)) return folder;
        fail<InputError>("TILEMESH_SHARE={}: found no folder {} in it, expected share/tilemesh of an installation",
                         given, name);
    }
    std::vector<fs::path> folders;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    if (!program.empty()) folders.push_back(program.parent_path().parent_path() / "share" / "tilemesh" / name);
    if (shared_files_of_package) folders.push_back(fs::path(shared_files_of_package()) / name);
    folders.push_back(in_source_tree(name));
    for (const fs::path& folder : folders)
        if (fs::is_directory(folder, ignored)) return folder;
    fail<InputError>(
        "found no {} of tilemesh, expected {}; TILEMESH_SHARE can name share/tilemesh of an installation", name,
        folders.front().string());
}

std::optional<fs::path> shared_config(std::string_view kind, const std::string& name) {
    if (name.empty() || name.front() == '/' || name.find('.') != std::string::npos) return std::nullopt;
    std::error_code ignored;
    fs::path file = shared_folder("configs") / kind / (name + ".json");
    return fs::is_regular_file(file, ignored) ? std::optional(std::move(file)) : std::nullopt;
}

}  // namespace tilemesh
