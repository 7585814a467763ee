// SPDX-License-Identifier: Apache-2.0
// A small machine for tests of the language: the ideal line, with single values changed.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/machine/simulation.h"

#include <functional>
#include <string>

namespace tilemesh::test {

/// configs/machines/ideal_line.json after `change` has had its way with it.
inline machine::MachineConfig ideal_line(const std::function<void(Json&)>& change = {}) {
    Json json = parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/ideal_line.json");
    if (change) change(json);
    return machine::read_machine(JsonReader(json, "test machine"));
}

}  // namespace tilemesh::test
