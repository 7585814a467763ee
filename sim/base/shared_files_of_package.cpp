// SPDX-License-Identifier: Apache-2.0
// Compiled by those who use an installed tilemesh, with its share/tilemesh as TILEMESH_SHARE_OF_PACKAGE.
#include "sim/base/shared_files_of_package.h"

const char* tilemesh::shared_files_of_package() { return TILEMESH_SHARE_OF_PACKAGE; }
