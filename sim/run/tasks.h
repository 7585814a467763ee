// SPDX-License-Identifier: Apache-2.0
// Many independent pieces of work, each in a process of its own, as many side by side as allowed: SystemC allows one
// simulation per process at a time, and a piece that dies takes nothing else with it. For panels see workers.h.
#pragma once

#include "sim/run/workers.h"

#include <functional>
#include <optional>
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
    bool interrupted = false;  // it had not ended when all were given up; the failure says so
    double seconds = 0.0;      // from its start to its end
};

struct TasksOutcome {
    std::vector<TaskResult> results;  // in the order of the tasks
    bool interrupted = false;         // by SIGINT or SIGTERM; unfinished tasks have a failure that says so
};

/// Tasks that follow from each other's results.
struct TaskQueue {
    /// The next to be started; nothing: none, unless a result brings more. Tasks count from 0 in this order.
    std::function<std::optional<Task>()> next;
    /// One has ended.
    std::function<void(std::size_t number, TaskResult result)> done;
};

/// Until nothing runs and nothing is next. True: SIGINT or SIGTERM came first, and what ran was given up. `workers`
/// 0: one per core.
bool run_queue(const TaskQueue& queue, int workers);

/// `workers` 0: one per core.
TasksOutcome run_tasks(const std::vector<Task>& tasks, int workers,
                       const std::function<void(const Progress&)>& on_progress);

}  // namespace tilemesh::run
