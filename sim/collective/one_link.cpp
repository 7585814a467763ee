// SPDX-License-Identifier: Apache-2.0
// Rates with framing and the routers' own work taken off.
#include "sim/collective/one_link.h"

#include "sim/collective/execution.h"

#include <algorithm>

namespace tilemesh::collective {
namespace {

Rate rate_of_one(const CollectiveConfig& config, const noc::LinkConfig& link, Bytes payload, bool ring) {
    const double wire = static_cast<double>(config.packet.on_wire(payload).value()) /
                        (link.rate.gbytes_per_s() / static_cast<double>(config.links));
    const double work = to_nanoseconds(config.packet.router) + (ring ? to_nanoseconds(config.packet.ring) : 0.0);
    return Rate::gbytes_per_s(static_cast<double>(payload.value()) / (wire + work));
}

}  // namespace

Bytes full_packet(const CollectiveConfig& config, const noc::NetworkConfig& network) {
    return config.packet.payload > Bytes() ? config.packet.payload : network.packet;
}

std::uint64_t slots_of(const CollectiveConfig& config, const noc::LinkConfig& link, Bytes payload) {
    if (config.packet.slots > 0) return config.packet.slots;
    return std::max<std::uint64_t>(link.buffer.value() / payload.value(), 1);
}

bool slots_cover_round_trip(const CollectiveConfig& config, const noc::NetworkConfig& network, bool ring) {
    const Bytes payload = full_packet(config, network);
    const auto covers = [&](const noc::LinkConfig& link) {
        const Picoseconds credits = link.latency * 2 + network.router.latency() + network.router.credit +
                                    std::max(config.multicast, config.reduction);
        return rate_of_one(config, link, payload, ring).time_for(payload * slots_of(config, link, payload)) >=
               credits;
    };
    return (network.pes_in_cube.nodes() == 1 || covers(network.link)) &&
           (network.cubes.nodes() == 1 || covers(network.die_to_die));
}

noc::NetworkConfig network_of_one(const CollectiveConfig& config, noc::NetworkConfig network, Bytes packet,
                                  bool ring) {
    const Bytes payload = full_packet(config, network);
    network.link.rate = rate_of_one(config, network.link, payload, ring);
    network.die_to_die.rate = rate_of_one(config, network.die_to_die, payload, ring);
    network.packet = network.flit = packet;
    for (noc::LinkConfig* const link : {&network.link, &network.die_to_die}) {
        link->buffer = packet * slots_of(config, *link, payload);
    }
    network.port.reset();
    return network;
}

Rate payload_rate(const CollectiveConfig& config, const noc::NetworkConfig& network, bool ring) {
    const Rate one = rate_of_one(config, network.link, full_packet(config, network), ring);
    return Rate::gbytes_per_s(one.gbytes_per_s() * static_cast<double>(config.links));
}

}  // namespace tilemesh::collective
