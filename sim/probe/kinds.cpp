// SPDX-License-Identifier: Apache-2.0
// The list of kinds of probe.
#include "sim/probe/kinds.h"

namespace tilemesh::probe {

std::vector<Kind> all_kinds() {
    return {dma_kind(), memory_kind(), traffic_kind(), transfers_kind(), programs_kind()};
}

}  // namespace tilemesh::probe
