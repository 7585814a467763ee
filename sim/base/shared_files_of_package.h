// SPDX-License-Identifier: Apache-2.0
// Programs built with an installed tilemesh lie anywhere. What they link (tilemesh::command) compiles
// shared_files_of_package.cpp into them, which says where that installation has its files; nothing in the source tree
// does, and then this is null.
#pragma once

namespace tilemesh {

[[gnu::weak]] const char* shared_files_of_package();

}  // namespace tilemesh
