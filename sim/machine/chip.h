// SPDX-License-Identifier: Apache-2.0
// A chip of which only the networks are known, for probes: a machine file with `networks` instead of `network`.
// Kernels run on machines of config.h.
#pragma once

#include "sim/base/fitted_values.h"
#include "sim/noc/flit_config.h"

#include <string>
#include <vector>

namespace tilemesh::machine {

struct ChipConfig {
    std::string name;
    noc::ChipNetworks networks;
    std::vector<FittedValue> fitted;
};

/// Has this machine `networks`, to be read as a chip?
bool is_chip(const JsonReader& machine);
/// Reads {"name", "cube", "clock_ghz", "networks", "devices", "core", "processor", "fitted_from"}.
ChipConfig read_chip(JsonReader reader);
/// Reads a machine of either kind, for its errors.
void check_machine(const JsonReader& reader);

}  // namespace tilemesh::machine
