// SPDX-License-Identifier: Apache-2.0
// Is the answer of a program right?
#pragma once

#include "sim/program/array.h"
#include "sim/report/result.h"
#include "sim/workloads/program/panel.h"
#include "sim/workloads/program/references.h"

#include <map>
#include <memory>

namespace tilemesh::workloads {

/// InputError when a check names what cannot be computed or read, or is of another size; nothing is computed.
void check_expectations(const ProgramPanel& panel);

/// What each check expects, by tensor. Computed once per panel.
std::map<std::string, HostTensor> expectations(
    const ProgramPanel& panel, const std::map<std::string, std::shared_ptr<const program::ArrayValues>>& values);

/// What relative L2 errors are allowed where the panel says nothing: of the narrowest float among its tensors.
double standard_tolerance(const ProgramPanel& panel);

/// Holds all copies of the tensors against what is expected.
report::VerdictResult judge(const ProgramPanel& panel, const std::map<std::string, HostTensor>& expected,
                            const std::map<std::string, Ref<program::Array>>& arrays);

}  // namespace tilemesh::workloads
