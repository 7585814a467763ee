// SPDX-License-Identifier: Apache-2.0
// Reading a chip, and which of its values were fitted.
#include "sim/machine/chip.h"

#include "sim/machine/config.h"

#include <fmt/core.h>

namespace tilemesh::machine {
namespace {

/// Which values were fitted, from which rows of which data, and what they stand for: each must be a number of this
/// machine, and still be the one in it.
void read_fitted(JsonReader& machine) {
    const auto list = machine.optional_member("fitted_from");
    if (!list) return;
    for (JsonReader& element : list->elements()) {
        const std::string path = element.string("parameter");
        const double value = element.number("value", -1e18, 1e18);
        element.string("meaning");
        for (const JsonReader& row : element.member("rows").elements()) row.as_string();
        element.finish();
        const Json::json_pointer pointer(path.empty() || path[0] != '/' ? "/" + path : path);
        if (!machine.value().contains(pointer) || !machine.value().at(pointer).is_number())
            element.complain(fmt::format("parameter: found {}, expected the path of a number of this machine", path));
        const double used = machine.value().at(pointer).get<double>();
        if (used != value) element.complain(fmt::format("value: found {}, but {} is {}", value, path, used));
    }
}

}  // namespace

bool is_chip(const JsonReader& machine) { return machine.is_object() && machine.has("networks"); }

ChipConfig read_chip(JsonReader reader) {
    ChipConfig chip;
    chip.name = reader.string("name");
    reader.string("description", "");
    const noc::GridConfig grid = noc::read_grid(reader.member("cube"));
    if (grid.nodes() > 4096)
        reader.complain(fmt::format("cube: found {} nodes, expected at most 4096", grid.nodes()));
    chip.networks = noc::read_chip_networks(reader, grid);
    read_fitted(reader);
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
