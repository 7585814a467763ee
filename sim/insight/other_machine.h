// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/machine/config.h"

#include <string>

namespace tilemesh::insight {

/// A machine on which a run is estimated: the one that is measured with something changed.
struct OtherMachine {
    std::string change;  // "machine.network.link.gbytes_per_s=2x"
    machine::MachineConfig machine;
};

}  // namespace tilemesh::insight
