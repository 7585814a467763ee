// SPDX-License-Identifier: Apache-2.0
// Reading the networks of a chip.
#include "sim/noc/flit_config.h"

#include "sim/noc/routing.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace tilemesh::noc {
namespace {

PortRates read_port(JsonReader& reader, const PortRates& usual) {
    return {reader.number("send_flits_per_cycle", 0.001, 1.0, usual.send),
            reader.number("receive_flits_per_cycle", 0.001, 1.0, usual.receive)};
}

FlitNetworkConfig read_flit_network(JsonReader reader, const GridConfig& grid) {
    constexpr std::uint64_t most_cycles = 1'000'000, most_flits = 65'536;
    FlitNetworkConfig network;
    network.name = reader.string("name");
    network.routing = read_routing(reader.member("routing"), grid);
    network.flit = Bytes(reader.integer("flit_bytes", 1, 1 << 16));
    network.header = reader.integer("header_flits", 1, 16);
    network.packet = Bytes(reader.integer("packet_bytes", 1, 1 << 20));

    JsonReader router = reader.member("router");
    network.hop = router.integer("hop_cycles", 1, most_cycles);
    network.credit = router.integer("credit_cycles", 1, most_cycles);
    network.buffer = router.integer("buffer_flits", 1, most_flits);
    network.request_channels = static_cast<int>(router.integer("request_channels", 1, 4));
    network.data_channels = static_cast<int>(router.integer("data_channels", 1, 4));
    if (network.channels_per_side() > 6) {
        router.complain(fmt::format("request_channels and data_channels: found {} together, expected at most 6",
                                    network.channels_per_side()));
    }
    router.finish();

    JsonReader interface = reader.member("interface");
    network.interface = interface.integer("latency_cycles", 1, most_cycles);
    network.memory = interface.integer("memory_cycles", 0, most_cycles);
    network.queue = interface.integer("request_queue", 1, most_flits);
    network.answers = static_cast<int>(
        interface.integer("answers_at_once", 1, static_cast<std::uint64_t>(2 * network.request_channels)));
    network.commands = interface.integer("command_queue", 1, most_flits);
    network.port = read_port(interface, {});
    interface.finish();
    if (const auto ports = reader.optional_member("ports")) {
        for (JsonReader& element : ports->elements()) {
            const std::vector<int> at = read_places(element.member("at"), grid);
            const PortRates rates = read_port(element, network.port);
            element.finish();
            for (const int node : at) {
                for (const auto& [other, unused] : network.ports)
                    if (other == node)
                        element.complain(fmt::format("at: row {}, column {} has a port already", node / grid.cols,
                                                     node % grid.cols));
            }
            for (const int node : at) network.ports.emplace_back(node, rates);
        }
    }
    reader.finish();
    return network;
}

}  // namespace

PortRates FlitNetworkConfig::port_of(int node) const {
    for (const auto& [at, rates] : ports)
        if (at == node) return rates;
    return port;
}

const DeviceConfig* ChipNetworks::device_at(int node) const {
    for (const DeviceConfig& device : devices)
        if (std::find(device.at.begin(), device.at.end(), node) != device.at.end()) return &device;
    return nullptr;
}

int ChipNetworks::find(const std::string& name) const {
    for (std::size_t i = 0; i < networks.size(); ++i)
        if (networks[i].name == name) return static_cast<int>(i);
    return -1;
}

ChipNetworks read_chip_networks(JsonReader& machine, const GridConfig& grid) {
    ChipNetworks chip;
    chip.grid = grid;
    chip.clock = Clock(machine.number("clock_ghz", 0.001, 1000.0));
    JsonReader list = machine.member("networks");
    std::set<std::string> names;
    for (const JsonReader& element : list.elements()) {
        chip.networks.push_back(read_flit_network(element, grid));
        if (!names.insert(chip.networks.back().name).second)
            element.complain(
                fmt::format("name: found {}, expected one that no other network has", chip.networks.back().name));
    }
    if (chip.networks.empty() || chip.networks.size() > 16) list.reject("1 to 16 networks");
    if (grid.kind == TopologyKind::all_to_all) {
        machine.complain(
            "cube/topology: found all_to_all, expected line, ring, mesh or torus: `networks` have routers");
    }
    if (const auto devices = machine.optional_member("devices")) chip.devices = read_devices(*devices, grid);
    if (auto core = machine.optional_member("core")) {
        chip.memory_flits = core->number("memory_flits_per_cycle", 0.001, 1e6);
        core->finish();
    }
    if (auto processor = machine.optional_member("processor")) {
        const auto cycles = [&](const char* key) { return processor->integer(key, 0, 1'000'000, 0); };
        chip.processor = {cycles("start_cycles"), cycles("issue_cycles"), cycles("barrier_call_cycles"),
                          cycles("barrier_cycles")};
        processor->finish();
    }
    return chip;
}

}  // namespace tilemesh::noc
