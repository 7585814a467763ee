// SPDX-License-Identifier: Apache-2.0
// Runs python3: to parse kernels, and to compute what a check of one's own expects.
#pragma once

#include <string>
#include <vector>

namespace tilemesh::workloads {

/// Bytes, also of files with programs.
inline constexpr std::size_t longest_output = std::size_t{64} << 20;

/// What `python3 words...` writes to standard output; another interpreter if TILEMESH_PYTHON names one. InputError
/// with the last line of its complaints, or about `file` if it says nothing, when it fails.
std::string run_python(std::vector<std::string> words, const std::string& file);

}  // namespace tilemesh::workloads
