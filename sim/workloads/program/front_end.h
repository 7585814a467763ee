// SPDX-License-Identifier: Apache-2.0
// Programs from files: tile programs as they are, kernels in Python by way of the front end (tools/python/tilemesh),
// which parses them and runs nothing of them.
#pragma once

#include "sim/program/program.h"

#include <memory>
#include <string>

namespace tilemesh::workloads {

/// The program of a file, with this kernel and what it calls. InputError when it cannot be read; `where` says who
/// named the file.
std::shared_ptr<const program::Program> load_program(const std::string& file, const std::string& kernel,
                                                     const std::string& where);

}  // namespace tilemesh::workloads
