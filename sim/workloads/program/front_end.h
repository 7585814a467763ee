// SPDX-License-Identifier: Apache-2.0
// Programs from files: tile programs as they are, kernels in Python by way of the front end (tools/python/tilemesh),
// which parses them and runs nothing of them.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/program/program.h"

#include <memory>
#include <string>

namespace tilemesh::workloads {

/// The program of a file, with this kernel and what it calls. InputError when it cannot be read; `where` says who
/// named the file.
std::shared_ptr<const program::Program> load_program(const std::string& file, const std::string& kernel,
                                                     const std::string& where);

/// What triton.autotune above a kernel in Python tries: a list of objects of constants; null of kernels that nothing
/// tunes. InputError with its place when that is not known without running the file.
Json tuned_constants(const std::string& file, const std::string& kernel);

}  // namespace tilemesh::workloads
