// SPDX-License-Identifier: Apache-2.0
#include "sim/machine/chip.h"

#include "sim/machine/config.h"

#include <fmt/core.h>

namespace tilemesh::machine {
bool is_chip(const JsonReader& machine) { return machine.is_object() && machine.has("networks"); }

ChipConfig read_chip(JsonReader reader) {
    ChipConfig chip;
    chip.name = reader.string("name");
    reader.string("description", "");
    const noc::GridConfig grid = noc::read_grid(reader.member("cube"));
    if (grid.nodes() > 4096)
        reader.complain(fmt::format("cube: found {} nodes, expected at most 4096", grid.nodes()));
    chip.networks = noc::read_chip_networks(reader, grid);
    chip.fitted = read_fitted_values(reader);
    reader.finish();
    return chip;
}

void check_machine(const JsonReader& reader) {
    if (is_chip(reader)) {
        read_chip(reader);
    } else {
        read_machine(reader);
    }
}

}  // namespace tilemesh::machine
