// SPDX-License-Identifier: Apache-2.0
// What a check expects, from a function in Python: {"python": "reference.py:function"}. Unlike the file of a kernel,
// this one is run.
#pragma once

#include "sim/program/array.h"
#include "sim/workloads/program/panel.h"
#include "sim/workloads/program/references.h"

#include <map>
#include <memory>
#include <string>

namespace tilemesh::workloads {

/// The function gets tensors that have `values` as numpy arrays of f64 or i64. InputError when the file, the function
/// or its answer is none.
HostTensor python_reference(const ProgramPanel& panel, const CheckChoice& check,
                            const std::map<std::string, std::shared_ptr<const program::ArrayValues>>& values);

}  // namespace tilemesh::workloads
