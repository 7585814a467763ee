// SPDX-License-Identifier: Apache-2.0
// tilemesh check --kernels: runs the kernels of panels without time, and says what is wrong with them whatever the
// times are.
#pragma once

#include "sim/run/panel.h"
#include "tools/cli/command.h"

#include <string>
#include <vector>

namespace tilemesh::cli {

struct KernelCheckFlags {
    bool wanted = false;
    std::vector<std::string> set, kernels;
    std::string json;
};

void declare(CLI::App& command, KernelCheckFlags& flags);

/// What the check runs with: --set, and no values.
std::vector<run::Setting> settings_of(const KernelCheckFlags& flags);

/// A line for each kernel, and its findings; adds to `results`. Is nothing wrong with any?
bool check_kernels(const run::Panel& panel, const KernelCheckFlags& flags, bool quiet, Json& results);

}  // namespace tilemesh::cli
