// SPDX-License-Identifier: Apache-2.0
// The options of traces: what goes into one, in words of the command line.
#pragma once

#include "sim/base/trace_choice.h"
#include "sim/run/panel.h"
#include "tools/cli/command.h"

#include <string>
#include <vector>

namespace tilemesh::cli {

struct TraceFlags {
    std::string file;
    std::string window;
    std::string pes;
    std::string limit;
};

void declare(CLI::App& command, TraceFlags& flags);

/// What they say. InputError when that is nothing, or not for these panels.
TraceChoice trace_choice(const TraceFlags& flags, const std::vector<run::Panel>& panels);

}  // namespace tilemesh::cli
