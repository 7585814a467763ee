// SPDX-License-Identifier: Apache-2.0
// A machine as its JSON file describes it: cubes of PEs, HBM slices, networks. Read once, strictly, then const.
#pragma once

#include "sim/memory/config.h"
#include "sim/noc/config.h"
#include "sim/pe/config.h"

#include <string>

namespace tilemesh::machine {

struct MachineConfig {
    std::string name;
    noc::NetworkConfig network;  // holds both grids
    pe::PeConfig pe;
    memory::HbmConfig hbm;

    int pes_per_cube() const { return network.pes_in_cube.nodes(); }
    int cubes() const { return network.cubes.nodes(); }
    int pes() const { return cubes() * pes_per_cube(); }
};

/// Reads {"name", "cube", "cubes", "pe", "hbm", "network"}; "base" has been merged before.
MachineConfig read_machine(JsonReader reader);

}  // namespace tilemesh::machine
