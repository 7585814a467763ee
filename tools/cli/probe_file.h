// SPDX-License-Identifier: Apache-2.0
// Loading a probe's file: bases and machines are made whole as in a panel, then it is read strictly.
#pragma once

#include "sim/probe/probe.h"
#include "sim/run/resolve.h"

namespace tilemesh::cli {

inline probe::Probe read_probe(const run::Resolved& resolved) {
    return probe::read_probe(resolved.json, resolved.origins);
}

inline probe::Probe load_probe(const std::filesystem::path& file, const std::vector<run::Setting>& settings) {
    run::Resolved resolved = run::resolve_panel_file(file);
    run::apply_settings(resolved, settings);
    return read_probe(resolved);
}

}  // namespace tilemesh::cli
