// SPDX-License-Identifier: Apache-2.0
// Synthetic traffic through the network of a machine, without the machine: nodes create packets at random times
// (Bernoulli) or whenever one of theirs has arrived (closed loop), a warm-up passes, packets created in the measured
// time are followed until they have arrived. Whether the load is too much is judged apart from that
// (traffic_verdict.h); the run goes on until it is.
#pragma once

#include "sim/noc/config.h"
#include "sim/probe/traffic_patterns.h"

#include <cstdint>
#include <vector>

namespace tilemesh::probe {

struct TrafficLoad {
    TrafficPattern pattern;
    int packet_flits = 1;
    double offered = 0.1;  // flits per node and cycle; ignored when `outstanding` is not 0
    int outstanding = 0;   // closed loop: packets that a node has under way
    std::uint64_t warmup_cycles = 10000, measured_cycles = 20000, drain_cycles = 20000;
    bool judged = true;  // is the load too much? Not asked of a closed loop, which offers what arrives
};

/// Times in cycles: what the links inside a cube take for a flit.
struct TrafficPoint {
    double offered = 0.0;         // flits per node and cycle that were created
    double accepted = 0.0;        // that arrived
    double least_accepted = 0.0;  // at the node where the fewest did
    /// Of the packets measured, these four; without any they are 0, and mean nothing.
    double mean_latency = 0.0;  // from creation until the last byte has arrived
    double p99_latency = 0.0;
    double network_latency = 0.0;     // without waiting at the source
    double mean_routers = 0.0;        // passed
    bool unstable = false;            // too much is offered: what is under way grows, and latency with it
    double arrived_of_watched = 0.0;  // flits per node and cycle in the time in which that was judged
    std::uint64_t packets = 0;        // measured
    std::uint64_t packet_hops = 0;    // in all
    std::vector<double> link_loads;   // by link: bytes in the measured time, as a share of its rate
};

TrafficPoint run_traffic(const noc::NetworkConfig& network, const TrafficLoad& load);

/// The cycle of a network: one flit on a link inside a cube.
Picoseconds flit_cycle(const noc::NetworkConfig& network);

}  // namespace tilemesh::probe
