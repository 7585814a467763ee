// SPDX-License-Identifier: Apache-2.0
// What runs are estimated on beside the machine that they run on.
#pragma once

#include "sim/machine/config.h"

#include <string>

namespace tilemesh::insight {

/// The measured machine with something changed.
struct OtherMachine {
    std::string change;  // "machine.network.link.gbytes_per_s=2x"
    machine::MachineConfig machine;
};

}  // namespace tilemesh::insight
