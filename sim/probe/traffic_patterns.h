// SPDX-License-Identifier: Apache-2.0
// Patterns of synthetic traffic: who sends to whom. Permutations of the whole grid of PEs, random choices, and every
// node to all others in turn.
#pragma once

#include "sim/noc/topology.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tilemesh::probe {

struct TrafficPattern {
    std::string name = "uniform";  // one of traffic_patterns()
    bool include_self = false;     // uniform and hotspot: a node may choose itself
    int hot = 0;
    double share = 0.5;
    std::uint64_t seed = 1;
};

/// Names of all patterns.
std::vector<std::string> traffic_patterns();
/// Why the pattern does not fit the grid; empty: it does.
std::string unsuitable(const TrafficPattern& pattern, const noc::Topology& topology);

/// Where node `source` sends its packet number `index`; may be the node itself in a permutation.
using Destinations = std::function<int(int source, std::uint64_t index)>;
/// The pattern on the machine's grid of PEs. Refers to both.
Destinations destinations_of(const TrafficPattern& pattern, const noc::Topology& topology);

}  // namespace tilemesh::probe
