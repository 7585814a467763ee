// SPDX-License-Identifier: Apache-2.0
// What a timed run of a program cannot show: that in another order of its loads and stores it would do something
// else.
#pragma once

#include "sim/base/error.h"
#include "sim/workloads/program/program_run.h"

#include <string>

namespace tilemesh::workloads {

/// The races, and reads of what nobody has written, that a check without time finds, with PEs, commands and lines:
/// the first of them, and how many more there are. Empty: none.
std::string races_of(const ProgramWorkload& workload, std::size_t kernel, const run::Prepared& prepared);

/// Runs; a KernelError names the races, which may be its reason.
template <typename Run>
auto blaming(const std::string& races, Run run) {
    try {
        return run();
    } catch (const KernelError& error) {
        if (races.empty()) throw;
        fail<KernelError>("{}; {}", error.what(), races);
    }
}

}  // namespace tilemesh::workloads
