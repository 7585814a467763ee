// SPDX-License-Identifier: Apache-2.0
// The families of suites, one file each. all_suites.cpp puts them in order.
#pragma once

#include "sim/validation/suite.h"

namespace tilemesh::validation {

Family systolic_family();    // systolic.cpp
Family network_family();     // network.cpp
Family memory_family();      // memory.cpp
Family dma_family();         // dma.cpp
Family silicon_family();     // silicon.cpp
Family efficiency_family();  // silicon.cpp
Family chips_family();       // chips.cpp
Family noc_reads_family();   // noc_reads.cpp
Family gemm_family();        // gemm.cpp

}  // namespace tilemesh::validation
