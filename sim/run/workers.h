// SPDX-License-Identifier: Apache-2.0
// Running many entries side by side: as many processes as allowed, results in the order of the panels whatever order
// they finish in, and an orderly end on Ctrl-C.
#pragma once

#include "sim/report/result.h"
#include "sim/run/panel.h"

#include <functional>
#include <string>
#include <vector>

namespace tilemesh::run {

/// Where a run stands, for a progress bar.
struct Progress {
    std::size_t finished = 0;
    std::size_t entries = 0;
    std::string running;  // "panel/kernel" of the entry that started last
};

struct RunOptions {
    int workers = 0;   // 0: one per core
    EntryFiles files;  // any of them needs a single entry
    std::function<void(const Progress&)> on_progress;
    std::function<void(const report::PanelResult&)>
        on_panel;  // in the order of the panels, each once all of it is done
};

struct RunOutcome {
    report::RunResult result;
    bool interrupted = false;  // by SIGINT or SIGTERM; entries that had not finished say so
};

/// Runs every kernel of every panel. Panels must have passed check_panel or mark_impossible. Throws InputError when a
/// panel's inputs cannot be used; everything that can go wrong with an entry is in its result.
RunOutcome run_panels(const std::string& name, const std::vector<Panel>& panels, const RunOptions& options);

/// 0: all good, or not possible; 1: a wrong answer, or an entry that failed, crashed or was interrupted; 3: tilemesh
/// contradicted itself.
int exit_code(const report::RunResult& result);

}  // namespace tilemesh::run
