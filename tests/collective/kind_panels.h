// SPDX-License-Identifier: Apache-2.0
// Panels of one kind of workload, read, checked and run in this process.
#pragma once

#include "sim/report/summary.h"
#include "sim/run/not_possible.h"
#include "sim/run/panel.h"
#include "sim/run/resolve.h"

namespace example {

inline tilemesh::run::Panel read_of_kind(const tilemesh::run::WorkloadKind& kind, const tilemesh::Json& panel) {
    return tilemesh::run::read_panel(tilemesh::run::resolve_panel_object(panel, "p.json", TILEMESH_CONFIGS), {&kind});
}

/// Of one of its kernels; what it says is physically possible.
inline tilemesh::report::KernelResult run_of_kind(const tilemesh::run::WorkloadKind& kind, const tilemesh::Json& json,
                                                  std::size_t number = 0) {
    const tilemesh::run::Panel panel = read_of_kind(kind, json);
    tilemesh::run::check_panel(panel);
    const tilemesh::run::Entry& entry = panel.kernels.at(number);
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    tilemesh::report::KernelResult result = entry.workload->run(entry.number, *prepared, {}).result;
    tilemesh::report::summarise(result);
    tilemesh::report::check_physics(result);
    return result;
}

}  // namespace example
