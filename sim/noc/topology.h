// SPDX-License-Identifier: Apache-2.0
// Topologies as data: the directed links between PE routers and the path between any two PEs. Two levels, each a
// line, ring, mesh, torus or all-to-all: the PEs of a cube, and the cubes. Routing is dimension-order (columns first,
// then rows, where the network says nothing else) at both levels; crossing to the next cube happens in the row (east,
// west) or in the destination's column (north, south) where the path stands, which on meshes of meshes is dimension
// order on the whole grid. Wrap-around links are taken when they are shorter; of two ways of equal length nodes take
// one or the other in turn. Packets that cross a wrap-around link use virtual channels of class 1 for all of that
// dimension, others those of class 0: as no path is longer than half a ring, neither class can close the circle of
// waiting. Where links lead one way only, paths are longer, and packets change to class 1 as they cross: class 0 then
// ends where class 1 begins, which ends before it comes there again. Where a PE has one port to its router, the
// port's two directions are links too: the first and last of every path.
//
// Several networks beside each other join the same PEs; no path changes from one to another.
#pragma once

#include "sim/noc/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::noc {

enum class LinkRole : std::uint8_t { routers, into_network, out_of_network };

struct LinkSpec {
    int from = 0;
    int to = 0;
    LinkConfig config;
    bool die_to_die = false;
    std::string name;  // "cube0.pe1_to_pe2", "cube0.pe3_to_cube1_pe2", "cube0.pe1_in", "cube0.pe1_out"; of several
                       // networks with the network's name behind it
    LinkRole role = LinkRole::routers;
    int network = 0;
};

struct Hop {
    std::uint32_t link : 31 = 0;
    /// Of the virtual channels it may use.
    std::uint32_t channel_class : 1 = 0;
    bool operator==(const Hop&) const = default;
};
using Route = std::vector<Hop>;

class Topology {
public:
    explicit Topology(const NetworkConfig& config);

    int pes() const { return cubes_ * pes_per_cube_; }
    int cubes() const { return cubes_; }
    int pes_per_cube() const { return pes_per_cube_; }
    int networks() const { return static_cast<int>(networks_.size()); }
    /// Of all networks.
    const std::vector<LinkSpec>& links() const { return links_; }
    /// Are the network's virtual channels divided into two classes?
    bool two_classes(int network = 0) const;
    /// The network of a transfer that does not say which: the one with the shorter path, of several with paths of
    /// equal length one or the other by the sum of the PEs' numbers, so that what one PE sends to many, or many to
    /// one, is spread over them.
    int choice(int from, int to) const;
    /// The path from one PE to another; empty when they are the same and have no port.
    Route route(int from, int to) const { return route(from, to, choice(from, to)); }
    Route route(int from, int to, int network) const;
    /// Where messages of a PE begin or end: at its port's two links, or without one at those of its router; in all
    /// networks, by link.
    struct LinkEnd {
        int link;
        int peer;  // at the other end; the PE itself: its port
        bool out;
    };
    std::vector<LinkEnd> link_ends(int pe) const;
    /// The PE one step to the east (0), west (1), north (2), south (3) on the whole grid; -1: none.
    int neighbour(int pe, int direction) const;
    std::string pe_name(int pe) const;  // "cube0.pe3"
    /// What stands behind the names of its links and of their engines: "_noc1"; nothing where there is no name.
    const std::string& suffix(int network) const { return networks_[static_cast<std::size_t>(network)].suffix; }

    /// The whole grid of PEs, cube beside cube; its kind is that of the level that spans it.
    GridConfig whole_grid() const;
    int row_of(int pe) const;
    int col_of(int pe) const;
    int pe_at(int row, int col) const;

private:
    /// One way, or both (0), in which positions along a dimension count: up is east, south.
    struct Ways {
        int along_row = 0, along_col = 0;
        bool rows_first = false;
        explicit Ways(const std::vector<Way>& routing);
        int of(bool row) const { return row ? along_row : along_col; }
    };
    struct Wires {
        GridConfig pe_grid, cube_grid;
        Ways ways;
        std::string suffix;                                         // of the names of its links
        std::vector<std::vector<std::pair<int, int>>> out{}, in{};  // per PE: (peer, link)
        int first_port = -1;  // link into the network of PE 0, followed by the one out; -1: no ports
    };
    /// A step of a path under way: the link, its dimension, and whether it wraps around.
    struct Step {
        int link = 0;
        bool along_row = true;
        bool crosses_wrap = false;
    };
    struct GridStep {
        int next;
        bool crosses_wrap;
        bool along_row = true;
    };

    void add_network(const SubnetworkConfig& config);
    void add_link(int from, int to, const LinkConfig& config, bool die_to_die);
    void join_cubes(int a, int b, bool along_row, const SubnetworkConfig& config);
    int link_between(const Wires& wires, int from, int to) const;
    static std::vector<GridStep> grid_path(const GridConfig& grid, const Ways& ways, int from, int to);
    /// Appends the local path inside the cube of `from`.
    void route_in_cube(const Wires& wires, int from, int to, std::vector<Step>& out) const;

    GridConfig pe_grid_, cube_grid_;
    int cubes_ = 1, pes_per_cube_ = 1;
    std::vector<LinkSpec> links_;
    std::vector<Wires> networks_;
};

/// Latency of an empty network for a packet's head, all routers and wires included.
Picoseconds head_latency(const NetworkConfig& network, const Topology& topology, const Route& route);

/// What a packet takes that a node without a port sends to itself: its router, and its bytes at a link's rate.
Picoseconds time_to_self(const NetworkConfig& network, Bytes bytes);

}  // namespace tilemesh::noc
