// SPDX-License-Identifier: Apache-2.0
// The file of programs that the probe "programs" runs, as configs/README.md documents it.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/probe/programs_run.h"

namespace tilemesh::probe {

/// {"programs": [{"id", "node": [row, column], "network", "start_cycles", "outstanding", "steps": [...]}]} of a chip;
/// without one of any size, with networks of any name.
std::vector<Program> read_programs(JsonReader file, const noc::ChipNetworks* chip);

}  // namespace tilemesh::probe
