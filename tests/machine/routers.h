// SPDX-License-Identifier: Apache-2.0
// Networks whose stages and flits take a nanosecond each, for tests of routers in closed form.
#pragma once

#include "sim/noc/topology.h"
#include "sim/probe/transfers_run.h"
#include "tests/machine/grids.h"

namespace tilemesh::test {

constexpr double cycle_ns = 1.0;
constexpr std::uint64_t flit = 8;

/// Links of a flit per ns; every stage a cycle, of which routing takes none; `channels` of `buffer` flits.
inline noc::NetworkConfig routers(const GridConfig& grid, int channels, std::uint64_t buffer, std::uint64_t packet,
                                  bool port = true) {
    const Picoseconds cycle = from_nanoseconds(cycle_ns);
    noc::NetworkConfig network = network_of(grid);
    network.link = {Rate::gbytes_per_s(flit / cycle_ns), cycle, Bytes(flit * buffer)};
    if (port) network.port = network.link;
    network.router = {Picoseconds(), cycle, cycle, cycle, cycle, channels, 3};
    network.flit = Bytes(flit);
    network.packet = Bytes(flit * packet);
    return network;
}

inline double arrival_ns(const noc::NetworkConfig& network, int from, int to, std::uint64_t flits) {
    return to_nanoseconds(probe::run_transfers(network, {{from, to, Bytes(flit * flits), Picoseconds()}}).end);
}

}  // namespace tilemesh::test
