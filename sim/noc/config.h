// SPDX-License-Identifier: Apache-2.0
// Configuration of the network: shapes and kinds of the two levels (PEs in a cube, cubes in the machine), links,
// routers and buffers; or of several networks beside each other, which differ in their links and in the ways that
// packets take. Plain data, read once from the machine's JSON.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

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

/// Is there a wrap-around link in the grid? Between two nodes one would double the link they have.
bool has_wraps(const GridConfig& grid);

/// How packets move along one dimension of the grid: one way only, around a ring, or whichever way is shorter.
enum class Way : std::uint8_t { east, west, south, north, east_or_west, south_or_north };
inline bool along_row(Way way) { return way == Way::east || way == Way::west || way == Way::east_or_west; }
inline bool leads_one_way(Way way) { return way != Way::east_or_west && way != Way::south_or_north; }

/// What transfers of a size reach of a link's rate.
struct SizeShare {
    Bytes bytes;
    double share = 1.0;  // above 0, at most 1
};

struct LinkConfig {
    Rate rate;
    Picoseconds latency;  // from the sending router's output to the receiving router's input; credits take as long
    Bytes buffer;         // at the receiving router, per virtual channel
    std::vector<SizeShare> rate_by_size{};  // by size; none: all transfers reach the rate

    /// Of a transfer of so many bytes. Between two sizes of the list its time is linear in the size, as of a fixed
    /// cost and bytes at a rate (Hockney 1994); beyond either end it reaches the share there.
    Rate rate_for(Bytes transfer) const;
    /// What no transfer exceeds.
    Rate best_rate() const;
};

/// The stages of an input-queued router with credits and virtual channels, as times of an unloaded passage.
struct RouterConfig {
    Picoseconds route, vc_allocation, switch_allocation, traversal;
    Picoseconds credit;  // from a flit's departure until its credit is on its way back
    int virtual_channels = 4;
    /// Flits of one packet that can lose their turn because two outputs chose the same input at once, before the
    /// allocator's round-robin pointers have slipped apart; 0: a perfect matching at every moment.
    int allocation_conflicts = 3;
    /// Can it send a packet on over several links, as a copy each? A packet waits whole where its way branches.
    bool multicast = false;
    /// Can it add what passes to what its own node brings for the same destination? Collectives use it.
    bool reduction = false;

    /// From the arrival of a packet's head until a switch allocator first looks at it.
    Picoseconds before_switch() const { return route + vc_allocation; }
    /// From its allocation until it leaves the router.
    Picoseconds through_switch() const { return switch_allocation + traversal; }
    Picoseconds latency() const { return before_switch() + through_switch(); }
};

/// The links of one network, and the ways that packets take over them.
struct SubnetworkConfig {
    std::string name;  // none where the machine has one network
    GridConfig pes_in_cube;
    GridConfig cubes;
    std::vector<Way> routing;        // dimensions in the order in which packets go through them; none: columns first,
                                     // the shorter way
    LinkConfig link;                 // between routers of one cube
    LinkConfig die_to_die;           // one connection between neighbouring cubes
    int connections_per_side = 4;    // shared evenly by the PEs on that side
    std::optional<LinkConfig> port;  // the one port between a PE and its router; none: a PE feeds all links at once
};

/// The only network, or what those in `several` have in common.
struct NetworkConfig : SubnetworkConfig {
    RouterConfig router;
    Bytes flit{128};       // what a link moves in one turn of its round robin
    Bytes packet;          // largest packet; longer messages are cut
    Bytes request;         // size of a remote read request
    Bytes receive_buffer;  // per network and ordered pair of PEs that exchange messages
    std::vector<SubnetworkConfig> several{};

    std::span<const SubnetworkConfig> networks() const {
        const SubnetworkConfig* const only = this;
        return several.empty() ? std::span(only, 1) : std::span(several.data(), several.size());
    }
    std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const SubnetworkConfig& network : networks()) names.push_back(network.name);
        return names;
    }
};

/// The same network with trains instead of packets: what of a message goes over the same links one after the other,
/// as one. Of up to 16 packets, as many as the smallest buffer of a link and a sixteenth of the receiver's room hold,
/// so that messages wait for each other as they did.
NetworkConfig in_trains(NetworkConfig network);

GridConfig read_grid(JsonReader reader);
NetworkConfig read_network(JsonReader reader, const GridConfig& pes_in_cube, const GridConfig& cubes);

}  // namespace tilemesh::noc
