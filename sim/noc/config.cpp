// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/config.h"

#include "sim/noc/routing.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace tilemesh::noc {
namespace {

constexpr std::array<std::string_view, 5> kind_names = {"line", "ring", "mesh", "torus", "all_to_all"};
constexpr std::uint64_t largest_buffer = std::uint64_t{1} << 40;

std::vector<SizeShare> read_rate_by_size(JsonReader& link) {
    std::vector<SizeShare> shares;
    const auto member = link.optional_member("rate_by_size");
    if (!member) return shares;
    for (JsonReader& element : member->elements()) {
        const SizeShare next{Bytes(element.integer("bytes", 1, largest_buffer)), element.number("share", 1e-6, 1.0)};
        element.finish();
        if (!shares.empty()) {
            const SizeShare& last = shares.back();
            if (next.bytes <= last.bytes) element.complain("bytes: expected more than in the element before");
            const double most =
                last.share * static_cast<double>(next.bytes.value()) / static_cast<double>(last.bytes.value());
            if (next.share > most)
                element.complain(
                    fmt::format("share: found {:g}, expected at most {:g}, or {} bytes would take less "
                                "time than the {} of the element before",
                                next.share, most, next.bytes.value(), last.bytes.value()));
        }
        shares.push_back(next);
    }
    if (shares.empty()) member->reject("at least one {bytes, share}");
    return shares;
}

LinkConfig read_rate_and_latency(JsonReader& reader) {
    LinkConfig link;
    link.rate = Rate::gbytes_per_s(reader.number("gbytes_per_s", 0.001, 1e6));
    link.latency = from_nanoseconds(reader.number("latency_ns", 0.0, 1e6));
    link.buffer = Bytes(reader.integer("buffer_bytes", 1, largest_buffer));
    link.rate_by_size = read_rate_by_size(reader);
    return link;
}

Rate share_of(Rate rate, double share) { return Rate::gbytes_per_s(rate.gbytes_per_s() * share); }

LinkConfig read_link(JsonReader reader) {
    const LinkConfig link = read_rate_and_latency(reader);
    reader.finish();
    return link;
}

RouterConfig read_router(JsonReader reader) {
    RouterConfig router;
    const double cycle_ns = reader.number("cycle_ns", 0.0, 1e6, 0.5);
    const auto stage = [&](const char* key, double cycles) {
        return from_nanoseconds(cycle_ns * reader.number(key, 0.0, 1000.0, cycles));
    };
    router.route = stage("route_cycles", 1);
    router.vc_allocation = stage("vc_allocation_cycles", 1);
    router.switch_allocation = stage("switch_allocation_cycles", 1);
    router.traversal = stage("traversal_cycles", 1);
    router.credit = stage("credit_cycles", 1);
    router.virtual_channels = static_cast<int>(reader.integer("virtual_channels", 1, 64, 4));
    router.allocation_conflicts = static_cast<int>(reader.integer("allocation_conflicts", 0, 1000, 3));
    router.multicast = reader.boolean("multicast", false);
    router.reduction = reader.boolean("reduction", false);
    reader.finish();
    return router;
}

/// Where one way may lead around: a cube that is alone. Cubes are joined both ways.
std::vector<Way> read_routing_of(const JsonReader& reader, const SubnetworkConfig& network) {
    const GridConfig &inner = network.pes_in_cube, &outer = network.cubes;
    for (const GridConfig* grid : {&inner, &outer})
        if (grid->kind == TopologyKind::all_to_all)
            reader.complain("expected no ways, since all_to_all is joined directly");
    const TopologyKind kind = outer.nodes() == 1 ? inner.kind : TopologyKind::mesh;
    return read_routing(reader, {kind, inner.rows * outer.rows, inner.cols * outer.cols});
}

/// What the reader does not say stays as it is.
void read_links(JsonReader& reader, SubnetworkConfig& network) {
    if (const auto link = reader.optional_member("link")) network.link = read_link(*link);
    if (auto die_to_die = reader.optional_member("die_to_die")) {
        network.connections_per_side = static_cast<int>(die_to_die->integer("connections_per_side", 1, 1024));
        network.die_to_die = read_rate_and_latency(*die_to_die);
        die_to_die->finish();
    }
    if (const auto port = reader.optional_member("port")) network.port = read_link(*port);
    if (const auto routing = reader.optional_member("routing")) network.routing = read_routing_of(*routing, network);
}

/// Can packets move through what links have for them?
void check_links(const JsonReader& reader, const SubnetworkConfig& links, const NetworkConfig& network) {
    std::vector<std::pair<const char*, Bytes>> buffers{{"link/buffer_bytes", links.link.buffer},
                                                       {"die_to_die/buffer_bytes", links.die_to_die.buffer}};
    if (links.port) buffers.emplace_back("port/buffer_bytes", links.port->buffer);
    for (const auto& [name, bytes] : buffers) {
        if (bytes >= network.flit) continue;
        reader.complain(fmt::format("{}: found {}, expected at least flit_bytes ({}), or nothing could ever move",
                                    name, bytes.value(), network.flit.value()));
    }
    for (const auto& [name, bytes] : buffers) {
        if (!network.router.multicast || bytes >= network.packet) continue;
        reader.complain(fmt::format(
            "{}: found {}, expected at least packet_bytes ({}), since router/multicast is true: where its way "
            "branches a packet waits whole, or two could wait for each other; make the buffer larger, or packets "
            "smaller",
            name, bytes.value(), network.packet.value()));
    }
}

void check_channels(const JsonReader& reader, const SubnetworkConfig& links, const NetworkConfig& network) {
    if ((!has_wraps(links.pes_in_cube) && !has_wraps(links.cubes)) || network.router.virtual_channels >= 2) return;
    reader.complain(
        "router/virtual_channels: found 1, expected at least 2: around a ring packets of one channel could wait "
        "for each other in a circle");
}

/// What an element does not say is as in `network`.
SubnetworkConfig read_subnetwork(JsonReader reader, const NetworkConfig& network) {
    SubnetworkConfig links = network;
    links.name = reader.string("name");
    const bool plain = !links.name.empty() && std::all_of(links.name.begin(), links.name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!plain) reader.complain("name: expected small letters, digits and _: links are named after it");
    GridConfig& outer = links.cubes.nodes() == 1 ? links.pes_in_cube : links.cubes;
    outer.kind = reader.choice<TopologyKind>("topology", {"line", "ring", "mesh", "torus"}, outer.kind);
    const bool flat = outer.kind == TopologyKind::line || outer.kind == TopologyKind::ring;
    if (flat && outer.rows != 1)
        reader.complain(fmt::format("topology: a {} has 1 row, found {} rows (use mesh or torus)",
                                    name_of(outer.kind), outer.rows));
    read_links(reader, links);
    const bool around = outer.kind == TopologyKind::ring || outer.kind == TopologyKind::torus;
    if (!around && std::any_of(links.routing.begin(), links.routing.end(), leads_one_way))
        reader.complain("routing: missing, expected ways that lead everywhere, since those of network go around");
    check_links(reader, links, network);
    check_channels(reader, links, network);
    reader.finish();
    return links;
}

std::vector<SubnetworkConfig> read_subnetworks(const JsonReader& reader, const NetworkConfig& network) {
    constexpr std::size_t most = 4;
    std::vector<SubnetworkConfig> networks;
    for (const JsonReader& element : reader.elements()) {
        networks.push_back(read_subnetwork(element, network));
        for (std::size_t i = 0; i + 1 < networks.size(); ++i)
            if (networks[i].name == networks.back().name)
                element.complain(
                    fmt::format("name: found {}, expected one that no other network has", networks[i].name));
    }
    if (networks.empty() || networks.size() > most) reader.reject(fmt::format("1 to {} networks", most));
    return networks;
}

}  // namespace

Rate LinkConfig::rate_for(Bytes transfer) const {
    if (rate_by_size.empty()) return rate;
    const auto above = std::find_if(rate_by_size.begin(), rate_by_size.end(),
                                    [&](const SizeShare& size) { return size.bytes >= transfer; });
    if (above == rate_by_size.begin()) return share_of(rate, above->share);
    if (above == rate_by_size.end()) return share_of(rate, rate_by_size.back().share);
    const SizeShare& below = *std::prev(above);
    // In bytes at the whole rate.
    const auto as_long_as = [](const SizeShare& size) {
        return static_cast<double>(size.bytes.value()) / size.share;
    };
    const double part = static_cast<double>((transfer - below.bytes).value()) /
                        static_cast<double>((above->bytes - below.bytes).value());
    const double time = as_long_as(below) + part * (as_long_as(*above) - as_long_as(below));
    return share_of(rate, static_cast<double>(transfer.value()) / time);
}

Rate LinkConfig::best_rate() const {
    double best = rate_by_size.empty() ? 1.0 : 0.0;
    for (const SizeShare& size : rate_by_size) best = std::max(best, size.share);
    return share_of(rate, best);
}

std::string_view name_of(TopologyKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

bool has_wraps(const GridConfig& grid) {
    const bool wraps = grid.kind == TopologyKind::ring || grid.kind == TopologyKind::torus;
    return wraps && (grid.rows > 2 || grid.cols > 2);
}

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
    reader.member("link");
    read_links(reader, network);
    if (!reader.has("die_to_die")) {
        if (cubes.nodes() > 1)
            reader.complain("die_to_die: missing, expected the link between cubes, since there are several");
        network.die_to_die = network.link;
    }
    if (auto router = reader.optional_member("router")) {
        network.router = read_router(*router);
    } else {
        const Json defaults = Json::object();
        network.router = read_router(JsonReader(defaults, ""));
    }
    network.flit = Bytes(reader.integer("flit_bytes", 1, 1 << 20, 128));
    network.packet = Bytes(reader.integer("packet_bytes", 1, 1 << 24, 4096));
    network.request = Bytes(reader.integer("request_bytes", 1, 4096, 32));
    network.receive_buffer = Bytes(reader.integer("receive_buffer_bytes", 16, largest_buffer, 262144));
    check_links(reader, network, network);
    const Bytes largest = std::max(network.packet, network.request);
    if (network.receive_buffer < largest) {
        reader.complain(fmt::format("receive_buffer_bytes: found {}, expected at least packet_bytes ({})",
                                    network.receive_buffer.value(), largest.value()));
    }
    check_channels(reader, network, network);
    if (const auto several = reader.optional_member("networks"))
        network.several = read_subnetworks(*several, network);
    reader.finish();
    return network;
}

NetworkConfig in_trains(NetworkConfig network) {
    constexpr std::uint64_t longest = 16;
    Bytes room(network.receive_buffer.value() / longest);
    for (const SubnetworkConfig& one : network.networks()) {
        room = std::min({room, one.link.buffer, one.die_to_die.buffer});
        if (one.port) room = std::min(room, one.port->buffer);
    }
    const std::uint64_t packets = std::clamp<std::uint64_t>(room.value() / network.packet.value(), 1, longest);
    network.packet = network.packet * packets;
    network.router.allocation_conflicts *= static_cast<int>(packets);  // of each
    return network;
}

}  // namespace tilemesh::noc
