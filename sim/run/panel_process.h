// SPDX-License-Identifier: Apache-2.0
// The processes of one panel. A first process prepares what its kernels share (inputs, reference); each entry is then
// forked from it, so entries share those pages, and one that dies takes nothing else with it. Between the two stands
// a small process that waits for the entry and reports how it ended.
//
//     tilemesh --fork--> preparing process --fork--> watcher --fork--> entry
//                            "ready" |                 | "signal 11"     | result JSON
//     tilemesh <---------------------+-----------------+-----------------+
#pragma once

#include "sim/run/panel.h"
#include "sim/run/pipe.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tilemesh::run {

class PanelProcess {
public:
    /// Forks at once and prepares with so many threads. `files` are written by every entry that is started.
    PanelProcess(const Panel& panel, int threads, const EntryFiles& files);
    PanelProcess(const PanelProcess&) = delete;
    PanelProcess& operator=(const PanelProcess&) = delete;
    /// Kills whatever still runs.
    ~PanelProcess();

    /// Becomes readable when preparing has ended.
    int preparing() const { return status_.reading.number(); }
    /// Call when preparing() is readable. Throws InputError when the panel's inputs cannot be used; returns the
    /// reason (empty: none) why no entry of the panel can run otherwise.
    std::string finish_preparing();

    /// Starts the entry of one kernel; its number is its place in the panel.
    void start(std::size_t kernel);
    /// Becomes readable while the entry reports.
    int reporting(std::size_t kernel) const { return results_[kernel].reading.number(); }
    /// Call when reporting() is readable. True when the entry has ended; `result` is then filled, whatever happened.
    bool read(std::size_t kernel, report::KernelResult& result);

private:
    report::KernelResult result_from(std::size_t kernel) const;

    const Panel& panel_;
    pid_t process_ = -1;
    Pipe commands_;
    Pipe status_;
    std::vector<Pipe> results_;
    std::vector<std::string> texts_;  // received so far, by kernel
};

}  // namespace tilemesh::run
