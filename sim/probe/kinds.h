// SPDX-License-Identifier: Apache-2.0
// The kinds of probe, one file each. kinds.cpp puts them in order.
#pragma once

#include "sim/probe/probe.h"

namespace tilemesh::probe {

Kind dma_kind();        // dma.cpp
Kind memory_kind();     // memory.cpp
Kind programs_kind();   // programs.cpp
Kind traffic_kind();    // traffic.cpp
Kind transfers_kind();  // transfers.cpp

}  // namespace tilemesh::probe
