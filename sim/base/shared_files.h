// SPDX-License-Identifier: Apache-2.0
// Files that come with tilemesh and are read at run time: configurations and the front end for Python. They lie in
// share/tilemesh of where it is installed, wherever that was moved to, or in the source tree.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace tilemesh {

/// The folder "configs" or "python": in the folder that the environment variable TILEMESH_SHARE names if it is set;
/// else in the first of these that has it: share/tilemesh beside the folder of this program, the package that this
/// program was built with, the source tree. InputError if it is not there.
std::filesystem::path shared_folder(std::string_view name);

/// The configuration that a plain name stands for: "cube_2x4" of "machines" is machines/cube_2x4.json,
/// "programs/softmax" of "panels" is panels/programs/softmax.json. Nothing when there is none or `name` is a file's.
std::optional<std::filesystem::path> shared_config(std::string_view kind, const std::string& name);

}  // namespace tilemesh
