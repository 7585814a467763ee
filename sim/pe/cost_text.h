// SPDX-License-Identifier: Apache-2.0
// What cost.h computes, in the words of a machine's keys: for whoever writes a kernel.
#pragma once

#include "sim/tile/command.h"

#include <string>
#include <vector>

namespace tilemesh::pe {

/// Cycles that a command occupies its engine: "ceil(elements / pe.vector.lanes) * pe.vector.cycles_per_element.exp".
std::string cost_text(Opcode op);

/// What the words of cost_text stand for, and what comes beside; a line each.
std::vector<std::string> cost_notes();

}  // namespace tilemesh::pe
