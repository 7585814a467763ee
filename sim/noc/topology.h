// SPDX-License-Identifier: Apache-2.0
// Topologies as data: the directed links between PE routers and the path between any two PEs. Two levels, each a
// line, ring, mesh, torus or all-to-all: the PEs of a cube, and the cubes. Routing is dimension-order (columns first,
// then rows) at both levels; crossing to the next cube happens in the row (east, west) or in the destination's column
// (north, south) where the path stands, which on meshes of meshes is dimension order on the whole grid. Wrap-around
// links are taken when they are shorter; packets that have crossed one use virtual channel 1, which breaks the cycle
// of waiting (dateline).
#pragma once

#include "sim/noc/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::noc {

struct LinkSpec {
    int from = 0;
    int to = 0;
    LinkConfig config;
    bool die_to_die = false;
    std::string name;  // "cube0.pe1_to_pe2", "cube0.pe3_to_cube1.pe2"
};

struct Hop {
    std::uint16_t link = 0;
    std::uint8_t virtual_channel = 0;
    bool operator==(const Hop&) const = default;
};
using Route = std::vector<Hop>;

class Topology {
public:
    explicit Topology(const NetworkConfig& config);

    int pes() const { return cubes_ * pes_per_cube_; }
    int cubes() const { return cubes_; }
    int pes_per_cube() const { return pes_per_cube_; }
    const std::vector<LinkSpec>& links() const { return links_; }
    /// The path from one PE to another; empty when they are the same.
    Route route(int from, int to) const;
    /// The PE one step to the east (0), west (1), north (2), south (3) on the whole grid; -1: none.
    int neighbour(int pe, int direction) const;
    std::string pe_name(int pe) const;  // "cube0.pe3"

private:
    void add_link(int from, int to, const LinkConfig& config, bool die_to_die);
    void join_cubes(int a, int b, bool along_row, const NetworkConfig& config);
    int link_between(int from, int to) const;
    /// Whether the path has crossed a wrap-around link of the dimension it is moving in.
    struct Dateline {
        bool along_row = true;
        bool crossed = false;
        void move(bool in_row, bool crosses_wrap) {
            crossed = (in_row == along_row && crossed) || crosses_wrap;
            along_row = in_row;
        }
    };
    /// Appends the local path inside the cube of `from`.
    void route_in_cube(int from, int to, Route& out, Dateline& dateline) const;
    void append(int from, int to, Route& out, const Dateline& dateline) const;

    GridConfig pe_grid_, cube_grid_;
    int cubes_ = 1, pes_per_cube_ = 1;
    std::vector<LinkSpec> links_;
    std::vector<std::vector<std::pair<int, int>>> outgoing_;  // per PE: (to, link)
};

}  // namespace tilemesh::noc
