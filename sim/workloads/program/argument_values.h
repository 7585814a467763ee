// SPDX-License-Identifier: Apache-2.0
// The values that one PE's instances of a kernel are called with.
#pragma once

#include "sim/program/array.h"
#include "sim/program/program.h"
#include "sim/program/value.h"
#include "sim/workloads/program/panel.h"

#include <map>
#include <string>
#include <vector>

namespace tilemesh::workloads {

/// Arguments of launches for one PE. InputError for a tensor of which the PE has no part.
class Arguments {
public:
    /// All must outlive it.
    Arguments(const ProgramPanel& panel, const std::map<std::string, Ref<program::Array>>& arrays, int pe)
        : panel_(panel), arrays_(arrays), pe_(pe) {}

    /// Of the kernel's parameters, in their order.
    std::vector<program::Value> of(const LaunchChoice& launch, const program::Function& kernel) const;

private:
    program::Value value(const ArgumentChoice& argument, bool constant) const;

    const ProgramPanel& panel_;
    const std::map<std::string, Ref<program::Array>>& arrays_;
    int pe_;
};

}  // namespace tilemesh::workloads
