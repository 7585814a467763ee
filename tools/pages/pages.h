// SPDX-License-Identifier: Apache-2.0
// What is made of the command's description: a man page, and scripts that complete its command lines.
#pragma once

#include "tools/pages/description.h"

#include <string>

namespace tilemesh::cli {

std::string man_page(const Description& description, const std::string& version);
std::string bash_completion(const Description& description);
std::string zsh_completion(const Description& description);
std::string fish_completion(const Description& description);

}  // namespace tilemesh::cli
