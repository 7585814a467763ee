// SPDX-License-Identifier: Apache-2.0
// Why the kernels of a panel take their time and what would change it: each is run once and followed, which gives its
// critical path and estimates for other machines, and the most promising of those are proved by running it there.
#pragma once

#include "sim/run/panel.h"
#include "sim/run/what_if.h"
#include "sim/run/workers.h"

#include <functional>
#include <string>
#include <vector>

namespace tilemesh::run {

struct ExplainOptions {
    std::vector<WhatIf> changes = {};       // none: every resource
    std::vector<std::string> kernels = {};  // labels of entries; none: all
    /// So many of each kernel's changes are run, those that promise most first; beside them those whose estimates are
    /// not to be relied on, and then what promises more than the best that was run.
    std::size_t proofs = 3;
    int workers = 0;  // 0: one per core
    std::function<void(const Progress&)> on_progress = {};
};

struct Explained {
    report::PanelResult panel;  // without values, which say nothing about time
    bool interrupted = false;
};

/// InputError for a panel that cannot be read, a change that is none, or one that no kernel can be run with.
Explained explain(const Resolved& panel, const Workloads& workloads, const ExplainOptions& options);

}  // namespace tilemesh::run
