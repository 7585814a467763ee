// SPDX-License-Identifier: Apache-2.0
// What `run` and `bench` have in common: their options, and running panels with a progress bar, tables and files.
#pragma once

#include "sim/run/milestone.h"
#include "tools/cli/command.h"
#include "tools/cli/trace_options.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::cli {

struct RunFlags {
    std::string file;
    std::string json;
    std::string components = "all";
    std::string report;
    std::string save_outputs;
    TraceFlags trace;
    std::string values;
    std::optional<std::uint64_t> jitter;
    std::vector<std::string> set;
    std::vector<std::string> kernels;
    int jobs = 0;
    bool energy = false;
    bool steady = false;
    bool strict = false;
    bool explain = false;
    bool quiet = false;
};

void declare(CLI::App& command, RunFlags& flags);

/// Keeps the kernels named by --kernel; each must be in at least one panel.
void restrict_kernels(std::vector<run::Panel>& panels, const std::vector<std::string>& wanted);

/// --set and its shorthands.
std::vector<run::Setting> settings_of(const RunFlags& flags);

/// Checks everything, then runs, prints and writes. Returns the exit code.
int run_and_report(const std::string& name, std::vector<run::Panel> panels, run::MilestoneRows rows,
                   const RunFlags& flags, const Context& context);

}  // namespace tilemesh::cli
