// SPDX-License-Identifier: Apache-2.0
// Many independent pieces of work, each in a process of its own, as many side by side as allowed: SystemC allows one
// simulation per process at a time, and a piece that dies takes nothing else with it. For panels see workers.h.
#pragma once

#include "sim/run/workers.h"

#include <functional>
#include <string>
#include <vector>

namespace tilemesh::run {

struct Task {
    std::string name;                   // for the progress bar
    std::function<std::string()> work;  // called in the child; its text is the result
};

struct TaskResult {
    std::string text;       // what the work returned
    std::string failure;    // not empty: an exception's text, or how the process died
    bool internal = false;  // the failure was an InternalError or the death of the process
    bool stopped = false;   // somebody else ended the process: a scheduler, a person, the system for want of memory
    double seconds = 0.0;   // from its start to its end
};

struct TasksOutcome {
    std::vector<TaskResult> results;  // in the order of the tasks
    bool interrupted = false;         // by SIGINT or SIGTERM; unfinished tasks have a failure that says so
};

/// `workers` 0: one per core.
TasksOutcome run_tasks(const std::vector<Task>& tasks, int workers,
                       const std::function<void(const Progress&)>& on_progress);

}  // namespace tilemesh::run
