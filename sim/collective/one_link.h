// SPDX-License-Identifier: Apache-2.0
// What one of several parallel links is to a collective: its rate for payload, and the network as it alone sees it.
#pragma once

#include "sim/collective/config.h"
#include "sim/noc/config.h"

namespace tilemesh::collective {

/// Payload of the largest packet.
Bytes full_packet(const CollectiveConfig& config, const noc::NetworkConfig& network);

/// Packets that the router at a link's end has room for.
std::uint64_t slots_of(const CollectiveConfig& config, const noc::LinkConfig& link, Bytes payload);

/// Does a link get credits back before a sender of full packets, on one channel, has filled its slots? Where it does,
/// packets may be followed several together: slots and packets grow alike, but not what credits take.
bool slots_cover_round_trip(const CollectiveConfig& config, const noc::NetworkConfig& network, bool ring);

/// The network that one of the parallel links sees, in packets of `packet`: full ones, or several together.
noc::NetworkConfig network_of_one(const CollectiveConfig& config, noc::NetworkConfig network, Bytes packet,
                                  bool ring);

}  // namespace tilemesh::collective
