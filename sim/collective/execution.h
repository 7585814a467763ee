// SPDX-License-Identifier: Apache-2.0
// A collective's table in time, on the network of a machine: packets with their framing, workers that feed routers in
// the order of the table, relays, copies at routers, and the parts of a call that no byte pays for. Plain C++ beside
// the network's own class; nothing here needs SystemC.
#pragma once

#include "sim/base/recorder.h"
#include "sim/collective/schedule.h"
#include "sim/noc/config.h"
#include "sim/noc/topology.h"

#include <cstdint>
#include <vector>

namespace tilemesh::collective {

struct Execution {
    Picoseconds time;               // from the launch of the call on all chips until the last one has returned
    std::vector<Bytes> link_bytes;  // payload moved, by link of the topology, all its parallel links together
    std::vector<Picoseconds> link_busy;
    std::vector<Bytes> memory_bytes;  // read and written, by chip
    std::uint64_t transfers = 0;      // that were started: pieces of rows, and copies from router to router
};

/// How finely rows are followed: in at most so many pieces and packets each. More changes nothing but what it takes.
inline constexpr std::uint64_t usual_pieces = 512;

/// What a table runs on.
struct Ground {
    const CollectiveConfig& config;
    const noc::NetworkConfig& network;  // its PEs are the chips, in one row and in their order
    Rate memory;                        // of one chip; a call cannot end before its bytes have gone through
};

/// `bytes_per_element` of the table's elements. InternalError when something never arrives.
Execution execute(const Schedule& schedule, std::uint64_t bytes_per_element, const Ground& ground,
                  std::uint64_t pieces = usual_pieces);

/// What `automatic` stands for on this machine: what its library takes or, where its routers add and that takes less
/// time, sums in the network. `elements` of the tensor.
Algorithm quickest(const Ground& ground, Operation operation, const Chips& chips, std::uint64_t elements,
                   std::uint64_t bytes_per_element);

/// A call cannot end before this: its bytes through the memory of the chip that has most, between connection and
/// exit.
Picoseconds time_through_memory(const Schedule& schedule, std::uint64_t bytes_per_element, const Ground& ground);
/// A link's rate for the payload of full packets, all its parallel links together.
Rate payload_rate(const CollectiveConfig& config, const noc::NetworkConfig& network, bool ring);
/// What passes before anything can leave a chip, by the farthest that it has to hear of.
Picoseconds begin_of(const Schedule& schedule, int chip, const CollectiveConfig& config,
                     const noc::NetworkConfig& network);

}  // namespace tilemesh::collective
