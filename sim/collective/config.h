// SPDX-License-Identifier: Apache-2.0
// What collectives between chips cost beside the links' own time: packets and their framing, the workers that feed
// the routers or relay, and the parts of a call that no byte pays for. Everything is neutral by default.
#pragma once

#include "sim/base/fitted_values.h"
#include "sim/base/json_reader.h"
#include "sim/base/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::collective {

enum class Operation : std::uint8_t { all_gather, reduce_scatter, all_reduce, all_to_all };
inline constexpr std::size_t operations = 4;
const std::vector<std::string>& operation_words();
std::string name_of(Operation operation);

/// What a link really carries for a packet: payload and header are cut into frames, each with bytes of its own.
struct PacketConfig {
    Bytes payload;            // most in one packet; 0: the network's packet_bytes
    Bytes header;             // of each packet
    Bytes frame;              // payload and header are cut into frames of this size; 0: no frames
    Bytes frame_overhead;     // of each frame
    Picoseconds router;       // of a link's time, per packet: what the router's own work adds
    Picoseconds ring;         // likewise where the links close a ring, and credits are counted one by one
    std::uint64_t slots = 0;  // for packets that pass, at the receiving router; 0: by the link's buffer_bytes

    /// Bytes on the wire for a packet with so much payload.
    Bytes on_wire(Bytes bytes) const;
};

/// From a size on, so many workers.
struct WorkerCount {
    Bytes from;
    std::uint64_t workers = 1;
};

/// The parts of a call that no byte pays for, and that no hop does.
struct CallConfig {
    Picoseconds connect;  // before anything leaves a chip: launch, buffers, the connection to the router
    Picoseconds exit;     // after the last byte: the connection is closed, the call returns
};

struct CollectiveConfig {
    std::uint64_t links = 1;  // per direction between neighbours, among which everything is divided evenly
    PacketConfig packet;
    std::optional<Rate> worker;  // what one worker puts into its router, per link; none: as much as the link takes
    std::vector<WorkerCount> workers;  // that feed one link, by a chip's own bytes for that link; none: one
    // Those that add up, by the bytes that cross a link; none: one.
    std::vector<WorkerCount> line_reduce_workers, ring_reduce_workers;
    std::optional<Bytes> worker_per_destination;  // from this part size on; smaller ones wait for each other
    Picoseconds multicast;                        // at each router where a copy stays and another goes on
    Picoseconds reduction;                        // at each router that adds to what passes
    Picoseconds relay;                            // at each worker that passes on or adds what has arrived
    Picoseconds destination;                      // a worker's preparation for each destination, one after the other
    Bytes chunk;             // what a worker that adds up handles at once; 0: the packet's payload
    Picoseconds chunk_time;  // of a worker, for each chunk, during which it moves nothing
    // It is told of so many chunks at a time, but of no more than half of what comes to it.
    std::uint64_t line_chunks_per_sync = 1, ring_chunks_per_sync = 1;
    std::uint64_t copy_signals = 1;  // times that a worker which only copies is told of one part's arrival
    std::optional<Rate> finish;      // at which one direction's workers add to the part that stays, per link
    Bytes one_shot_bytes;            // "auto" scatters up to this much of a chip's input directly on a ring
    bool barrier = true;             // nothing leaves a chip before it has heard of all others
    CallConfig calls[3];             // all_gather, reduce_scatter, all_to_all; an all_reduce is two calls
    std::vector<FittedValue> fitted;

    const CallConfig& call(Operation operation) const;
    std::uint64_t reduce_workers(bool ring, Bytes on_link) const;
};

/// Of the last that begins at `bytes` or before; 1 where there is none.
std::uint64_t workers_for(const std::vector<WorkerCount>& counts, Bytes bytes);

/// The member "collectives" of a machine. InputErrors name file and path.
CollectiveConfig read_collectives(JsonReader reader);

}  // namespace tilemesh::collective
