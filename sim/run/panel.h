// SPDX-License-Identifier: Apache-2.0
// One experiment as the user wrote it: a machine, kernels of one or several workloads, and what to check. A panel is
// read once, strictly, from JSON that resolve.h has made whole (bases merged, machine inlined, --set applied), then
// const.
#pragma once

#include "sim/run/resolve.h"
#include "sim/run/workload.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::run {

struct Panel : Setup {
    std::string name;
    std::string description;
    Json resolved;  // everything, machine included: what the result file carries
    std::vector<Entry> kernels;

    /// The problem in one line of words.
    std::string describe() const;
};

/// Reads a panel, strictly. All range checks that need no knowledge of kernels happen here.
Panel read_panel(const Resolved& resolved, const Workloads& workloads);

/// Checks every kernel of a panel.
void check_panel(const Panel& panel);

/// Reads its tensor files, computes nothing.
void check_inputs(const Panel& panel);

/// As check_panel, but where some kernels are NotPossible and others can run, the former are marked (not_possible)
/// instead.
void mark_impossible(Panel& panel);

/// What every workload of a panel prepared for its kernels.
class PreparedPanel {
public:
    PreparedPanel(const Panel& panel, int threads);
    const Prepared& of(const Entry& entry) const;

private:
    std::vector<std::pair<const Workload*, std::shared_ptr<const Prepared>>> prepared_;
};

}  // namespace tilemesh::run
