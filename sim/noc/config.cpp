// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/config.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace tilemesh::noc {
namespace {

constexpr std::array<std::string_view, 5> kind_names = {"line", "ring", "mesh", "torus", "all_to_all"};

LinkConfig read_link(JsonReader reader) {
    LinkConfig link;
    link.rate = Rate::gbytes_per_s(reader.number("gbytes_per_s", 0.001, 1e6));
    link.latency = from_nanoseconds(reader.number("latency_ns", 0.0, 1e6));
    link.buffer = Bytes(reader.integer("buffer_bytes", 1, std::uint64_t{1} << 40));
    reader.finish();
    return link;
}

}  // namespace

std::string_view name_of(TopologyKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

GridConfig read_grid(JsonReader reader) {
    GridConfig grid;
    const std::string kind = reader.word("topology", {"line", "ring", "mesh", "torus", "all_to_all"});
    for (std::size_t i = 0; i < kind_names.size(); ++i) {
        if (kind == kind_names[i]) grid.kind = static_cast<TopologyKind>(i);
    }
    const bool flat = grid.kind == TopologyKind::line || grid.kind == TopologyKind::ring;
    grid.rows = static_cast<int>(reader.integer("rows", 1, 256, 1));
    grid.cols = static_cast<int>(reader.integer("cols", 1, 1024, 1));
    if (flat && grid.rows != 1) {
        reader.complain(fmt::format("a {} has 1 row, found {} rows (use mesh or torus)", kind, grid.rows));
    }
    reader.finish();
    return grid;
}

NetworkConfig read_network(JsonReader reader, const GridConfig& pes_in_cube, const GridConfig& cubes) {
    NetworkConfig network;
    network.pes_in_cube = pes_in_cube;
    network.cubes = cubes;
    network.link = read_link(reader.member("link"));
    if (auto die_to_die = reader.optional_member("die_to_die")) {
        JsonReader& d2d = *die_to_die;
        network.connections_per_side = static_cast<int>(d2d.integer("connections_per_side", 1, 1024));
        network.die_to_die.rate = Rate::gbytes_per_s(d2d.number("gbytes_per_s", 0.001, 1e6));
        network.die_to_die.latency = from_nanoseconds(d2d.number("latency_ns", 0.0, 1e6));
        network.die_to_die.buffer = Bytes(d2d.integer("buffer_bytes", 1, std::uint64_t{1} << 40));
        d2d.finish();
    } else if (cubes.nodes() > 1) {
        reader.complain("die_to_die: missing, expected the link between cubes, since there are several");
    } else {
        network.die_to_die = network.link;
    }
    network.router_latency = from_nanoseconds(reader.number("router_latency_ns", 0.0, 1e6));
    network.packet = Bytes(reader.integer("packet_bytes", 16, 1 << 24, 4096));
    network.request = Bytes(reader.integer("request_bytes", 1, 4096, 32));
    network.receive_buffer = Bytes(reader.integer("receive_buffer_bytes", 16, std::uint64_t{1} << 40, 262144));
    const Bytes largest = std::max(network.packet, network.request);
    for (const auto& [name, bytes] : {std::pair{"link/buffer_bytes", network.link.buffer},
                                      std::pair{"die_to_die/buffer_bytes", network.die_to_die.buffer},
                                      std::pair{"receive_buffer_bytes", network.receive_buffer}}) {
        if (bytes < largest) {
            reader.complain(
                fmt::format("{}: found {}, expected at least packet_bytes ({}): a router holds whole packets", name,
                            bytes.value(), largest.value()));
        }
    }
    reader.finish();
    return network;
}

}  // namespace tilemesh::noc
