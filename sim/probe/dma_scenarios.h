// SPDX-License-Identifier: Apache-2.0
// The classic DMA probes as lists of transfers: which PEs load from (or store to) whose HBM slice at the same time.
// Near and far are chosen on the topology: first by crossings between cubes, then by links passed.
#pragma once

#include "sim/noc/topology.h"

#include <string>
#include <vector>

namespace tilemesh::probe {

struct DmaTransfer {
    int pe = 0;    // whose DMA engine works
    int home = 0;  // whose slice it reads or writes
    auto operator<=>(const DmaTransfer&) const = default;
};

struct DmaScenario {
    std::string name;  // "local", "other_cube_worst", "sharing_8"
    std::string what;  // a line for the reader
    std::vector<DmaTransfer> transfers;
};

/// local; another PE of the cube, nearest and farthest; another cube, nearest and farthest; `sharers` PEs of a cube
/// on one slice, nearest first, for each that the cube has PEs for; all PEs on their own slices; all on one. The
/// shared slice is that of `home`. What a machine cannot do (another cube, when it has one) is left out.
std::vector<DmaScenario> dma_scenarios(const noc::Topology& topology, int home, const std::vector<int>& sharers);

/// A PE of the first cube and the slices on the way to the farthest one: local first, then every PE that the longest
/// path passes.
std::vector<DmaTransfer> dma_by_distance(const noc::Topology& topology);

}  // namespace tilemesh::probe
