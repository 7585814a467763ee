// SPDX-License-Identifier: Apache-2.0
// Every command of the tile language with its name and what it does, for messages, configurations and whoever writes
// a kernel: the one list of them. What a command costs is said in sim/pe/cost_text.h.
#pragma once

#include "sim/tile/command.h"

#include <span>
#include <string_view>

namespace tilemesh {

struct CommandEntry {
    Opcode op;
    std::string_view name;      // in messages, and the key of its cost
    std::string_view operands;  // with shapes; s and t are any shapes that broadcast to each other
    std::string_view result;    // dtype and shape
    std::string_view meaning;   // a few words
};

/// In the order of Opcode.
std::span<const CommandEntry> command_table();

/// As parts of a machine and results are named: "dma_load".
std::string_view name_of(EngineKind kind);

}  // namespace tilemesh
