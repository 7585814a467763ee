// SPDX-License-Identifier: Apache-2.0
// Network configurations of any two grids, for tests of topologies and routes.
#pragma once

#include "sim/noc/topology.h"

#include <fmt/core.h>

namespace tilemesh::test {

using noc::GridConfig;
using noc::TopologyKind;

inline noc::NetworkConfig network_of(const GridConfig& pes, const GridConfig& cubes = {}) {
    noc::NetworkConfig network;
    network.pes_in_cube = pes;
    network.cubes = cubes;
    network.link = {Rate::gbytes_per_s(128.0), from_nanoseconds(1.0), Bytes(16384)};
    network.die_to_die = {Rate::gbytes_per_s(64.0), from_nanoseconds(16.0), Bytes(65536)};
    network.connections_per_side = 4;
    network.packet = Bytes(4096);
    return network;
}

inline GridConfig line(int n) { return {TopologyKind::line, 1, n}; }
inline GridConfig ring(int n) { return {TopologyKind::ring, 1, n}; }
inline GridConfig mesh(int rows, int cols) { return {TopologyKind::mesh, rows, cols}; }
inline GridConfig torus(int rows, int cols) { return {TopologyKind::torus, rows, cols}; }
inline GridConfig all_to_all(int n) { return {TopologyKind::all_to_all, 1, n}; }

inline std::string text_of(const GridConfig& grid) {
    return fmt::format("{} {} x {}", noc::name_of(grid.kind), grid.rows, grid.cols);
}

}  // namespace tilemesh::test
