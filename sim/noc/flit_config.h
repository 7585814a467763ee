// SPDX-License-Identifier: Apache-2.0
// Configuration of the networks of a chip: several beside each other on one grid, each with its own routing order,
// one-way or two-way links, virtual channels and interfaces. They are followed flit by flit (flit_network.h); those
// that kernels send over are in config.h.
#pragma once

#include "sim/noc/chip_devices.h"
#include "sim/noc/config.h"

#include <string>
#include <vector>

namespace tilemesh::noc {

/// Flits that a node's connection to its router moves in a cycle, at most one, out of the node and into it.
struct PortRates {
    double send = 1.0, receive = 1.0;
};

struct FlitNetworkConfig {
    std::string name;
    std::vector<Way> routing;    // dimensions in the order in which packets go through them
    Bytes flit;                  // what a link, and each way of an interface, moves in a cycle
    std::uint64_t header = 1;    // flits before the payload; a request to read is nothing else
    Bytes packet;                // largest payload; what is longer is cut
    Cycle hop = 1;               // from one router's output to the next one's
    Cycle credit = 1;            // from a flit's departure until the room it leaves can be used again
    std::uint64_t buffer = 1;    // flits, per virtual channel of a router's input
    int request_channels = 1;    // virtual channels of requests, on either side of a ring's dateline
    int data_channels = 1;       // likewise of data read and of acknowledgements
    Cycle interface = 1;         // between a core's interface and its router, either way
    Cycle memory = 0;            // from a request's arrival until the answer's first flit, one after the other
    std::uint64_t queue = 1;     // requests that an interface takes in, per channel; others wait in the network
    int answers = 1;             // that an interface sends at once; requests of some channels wait for each other
    std::uint64_t commands = 1;  // of its own core that an interface holds; with more the processor waits
    PortRates port;
    std::vector<std::pair<int, PortRates>> ports;  // of nodes that have others

    PortRates port_of(int node) const;
    int channels_per_side() const { return request_channels + data_channels; }
    std::uint64_t flits_of(Bytes payload) const {
        return header + (payload.value() + flit.value() - 1) / flit.value();
    }
};

/// What the calls of a processor take, where its program does not say.
struct ProcessorConfig {
    Cycle start = 0;         // from its start until its first call is issued
    Cycle issue = 0;         // from one read or write to the next
    Cycle barrier_call = 0;  // from a read or write until the barrier after it begins
    Cycle barrier = 0;       // a barrier with nothing to wait for: half before it looks, half after
};

struct ChipNetworks {
    GridConfig grid;
    Clock clock;  // of all networks, and of what programs count
    std::vector<FlitNetworkConfig> networks;
    std::vector<DeviceConfig> devices;  // at nodes that are no cores
    double memory_flits = 0.0;          // that a core's memory moves in a cycle, in and out, of all networks; 0: any
    ProcessorConfig processor;

    int nodes() const { return grid.nodes(); }
    /// The place of a network of this name; -1: there is none.
    int find(const std::string& name) const;
    /// What stands at that node of the grid; null: a core.
    const DeviceConfig* device_at(int node) const;
};

/// The members "clock_ghz", "networks", "devices", "core" and "processor" of a machine with this grid.
ChipNetworks read_chip_networks(JsonReader& machine, const GridConfig& grid);

}  // namespace tilemesh::noc
