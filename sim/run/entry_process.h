// SPDX-License-Identifier: Apache-2.0
// What happens inside the processes of a panel: preparing, watching, running an entry. These functions run in forked
// children and never return to the caller's code.
#pragma once

#include "sim/run/panel.h"
#include "sim/run/pipe.h"

#include <vector>

namespace tilemesh::run {

/// The ends of the pipes that the child keeps.
struct ChildPipes {
    Descriptor commands;              // a line per entry to start: the kernel's number
    Descriptor status;                // one JSON line when prepared, or why not
    std::vector<Descriptor> results;  // per kernel: a JSON line, then "exit N" or "signal N"
};

/// Prepares with so many threads, then starts entries as told, until `commands` closes. Ends the process.
[[noreturn]] void serve_panel(const Panel& panel, int threads, ChildPipes pipes, const EntryFiles& files);

/// Runs one entry in this process, without any fork; failures become part of the result.
report::KernelResult run_entry(const Panel& panel, const Entry& entry, const Prepared& prepared,
                               const EntryFiles& files);

}  // namespace tilemesh::run
