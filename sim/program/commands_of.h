// SPDX-License-Identifier: Apache-2.0
// Which command an operation of programs becomes when its operands are tiles. The interpreter goes by it, and so does
// what is said of commands.
#pragma once

#include "sim/program/operations.h"
#include "sim/tile/command.h"

#include <optional>
#include <string_view>
#include <vector>

namespace tilemesh::program {

/// Nothing for operations that are no command, or several.
std::optional<Opcode> command_of(Op op);

/// The names in programs of the operations that become this command.
std::vector<std::string_view> operations_of(Opcode command);

}  // namespace tilemesh::program
