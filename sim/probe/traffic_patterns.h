// SPDX-License-Identifier: Apache-2.0
// Patterns of synthetic traffic: who sends to whom. Permutations of the whole grid of PEs, random choices, and every
// node to all others in turn.
#pragma once

#include "sim/noc/topology.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::probe {

struct TrafficPattern {
    /// uniform: any node; neighbour: one step further in every dimension, from the last to the first; transpose: row
    /// and column exchanged; bit_complement: the node opposite the centre; hotspot: `hot` with a probability of
    /// `share`, else any node; all_to_all: every other node in turn.
    std::string name = "uniform";
    bool include_self = false;  // uniform and hotspot: a node may choose itself
    int hot = 0;
    double share = 0.5;
    std::uint64_t seed = 1;
};

/// Names of all patterns.
const std::vector<std::string>& traffic_patterns();
/// Why the pattern does not fit the grid; empty: it does.
std::string unsuitable(const TrafficPattern& pattern, const noc::Topology& topology);

/// Where node `source` sends its packet number `index`; may be the node itself in a permutation.
int destination_of(const TrafficPattern& pattern, const noc::Topology& topology, int source, std::uint64_t index);

}  // namespace tilemesh::probe
