// SPDX-License-Identifier: Apache-2.0
// A line or ring of chips whose links have a rate and nothing else.
#pragma once

#include "sim/noc/config.h"

namespace collective_test {

/// Packets of 1 KiB, room for a thousand of them at every router, no latencies.
inline tilemesh::noc::NetworkConfig plain_network(int n, bool ring, double gbytes_per_s) {
    using namespace tilemesh;
    noc::NetworkConfig network;
    network.pes_in_cube = {ring ? noc::TopologyKind::ring : noc::TopologyKind::line, 1, n};
    network.cubes = {noc::TopologyKind::line, 1, 1};
    network.link = {Rate::gbytes_per_s(gbytes_per_s), Picoseconds(), Bytes(1 << 20)};
    network.die_to_die = network.link;
    network.packet = network.flit = Bytes(1024);
    network.request = Bytes(32);
    network.receive_buffer = Bytes(1 << 20);
    network.router.allocation_conflicts = 0;
    return network;
}

}  // namespace collective_test
