// SPDX-License-Identifier: Apache-2.0
// The option --report of run, bench, compare and sweep.
#pragma once

#include "tools/cli/output_file.h"

#include <memory>
#include <string>

namespace tilemesh::cli {

/// Where the page goes; null when none is wanted. InputError when there cannot be one, before anything runs.
std::unique_ptr<OutputFile> open_report(const std::string& file, const std::string& input);

}  // namespace tilemesh::cli
