// SPDX-License-Identifier: Apache-2.0
// What is said of a command that waits, by whatever executes it.
#pragma once

#include "sim/tile/tile.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

namespace tilemesh {

/// "kernel.py:12:5: machine.cube0.pe0.matrix: command 3 (dot)".
inline std::string command_at(std::string_view part, const Command& command) {
    return fmt::format("{}{}: command {} ({})", command.place.text(), part, command.index, name_of(command.op));
}

/// The first operand of it that nobody has made yet, in a sentence; nothing when all are there.
inline std::optional<std::string> waits_for_operand(std::string_view part, const Command& command) {
    for (int i = 0; i < command.operand_count; ++i) {
        const TileRecord& tile = *command.operands[static_cast<std::size_t>(i)];
        if (tile.is_ready_known()) continue;
        return fmt::format("{} waits for the tile that command {} ({}) makes", command_at(part, command),
                           tile.command, name_of(tile.made_by));
    }
    return {};
}

}  // namespace tilemesh
