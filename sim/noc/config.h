// SPDX-License-Identifier: Apache-2.0
// Configuration of the network: shapes and kinds of the two levels (PEs in a cube, cubes in the machine), link rates,
// latencies and buffers. Plain data, read once from the machine's JSON.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"

#include <cstdint>
#include <string>

namespace tilemesh::noc {

enum class TopologyKind : std::uint8_t { line, ring, mesh, torus, all_to_all };
std::string_view name_of(TopologyKind kind);

/// A grid of nodes and how neighbours are joined. Lines and rings have one row.
struct GridConfig {
    TopologyKind kind = TopologyKind::line;
    int rows = 1;
    int cols = 1;
    int nodes() const { return rows * cols; }
};

struct LinkConfig {
    Rate rate;
    Picoseconds latency;  // from the sending router's output to the receiving router's input
    Bytes buffer;         // at the receiving router, per virtual channel
};

struct NetworkConfig {
    GridConfig pes_in_cube;
    GridConfig cubes;
    LinkConfig link;               // between routers of one cube
    LinkConfig die_to_die;         // one connection between neighbouring cubes
    int connections_per_side = 4;  // shared evenly by the PEs on that side
    Picoseconds router_latency;    // from a packet's head at an input to its head at the output, unloaded
    Bytes packet;                  // largest packet; longer messages are cut
    Bytes request;                 // size of a remote read request
    Bytes receive_buffer;          // per ordered pair of PEs that exchange messages
};

GridConfig read_grid(JsonReader reader);
NetworkConfig read_network(JsonReader reader, const GridConfig& pes_in_cube, const GridConfig& cubes);

}  // namespace tilemesh::noc
