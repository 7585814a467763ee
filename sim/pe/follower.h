// SPDX-License-Identifier: Apache-2.0
// The second seam beside the recorder (sim/base/recorder.h): what every moment of a run follows from. A recorder
// hears when something happened; a follower hears of the same things in the order in which they became known, each
// after all that it depends on, with what it depends on: so it can tell which of them decided, and what would have
// decided on another machine. No follower, no cost.
#pragma once

#include "sim/base/recorder.h"
#include "sim/tile/tile.h"

#include <string_view>

namespace tilemesh::pe {

class Follower {
public:
    /// A command processor: the number of its PE, and its own there.
    struct At {
        int pe;
        int processor;
    };
    /// Where a command waits and then runs: the engine, and the queue before it, by number among those of its PE.
    struct Place {
        ComponentId engine;
        int queue;
    };
    /// Bytes that a slice has moved at a stretch.
    struct Served {
        Picoseconds arrival;  // of the request at the slice; of a write, of the data
        Bytes bytes, run;     // moved; of them consecutive, in the first segment
        Picoseconds last;     // the slice has moved the last byte
    };
    /// What a transfer had to do with one slice. Read: descriptor, request (of another's slice), slice, data; write:
    /// descriptor, data, slice as they come, acknowledgement.
    struct Share {
        int home;                        // the slice's PE
        int network;                     // over which it is reached, if it is another's
        std::size_t place;               // of the transfer's descriptors, its first
        Served all;                      // of a write to another's slice from the first data on
        std::span<const Served> pieces;  // of that write, as its data came; others have none
        Picoseconds end;                 // the transfer is done as far as this slice is concerned
    };

    virtual ~Follower() = default;

    // What a command processor does, in its own order.
    virtual void phase_begins(At, std::span<const Phase> path) = 0;
    virtual void phase_ends(At) = 0;
    virtual void spent(At, std::uint64_t instructions, Picoseconds when) = 0;
    /// A command has found a place in its engine's queue and room for its result.
    virtual void issued(At, const Command&, Place, Picoseconds when) = 0;
    virtual void released(At, const TileRecord&, Picoseconds when) = 0;
    virtual void waited(At, const TileRecord&, Picoseconds when) = 0;
    virtual void drained(At, Picoseconds when) = 0;
    virtual void arrived_at_barrier(At, Picoseconds when) = 0;
    virtual void passed_barrier(At, Picoseconds when) = 0;
    /// Its next commands may follow.
    virtual void launched(At, const LaunchedWork&, Picoseconds when) = 0;
    virtual void finished(At, Picoseconds when) = 0;

    // What becomes of its commands. Those of one queue begin in the order in which they were issued.
    virtual void computed(int pe, const Command&, Place, Picoseconds begin, Picoseconds end, Picoseconds ready) = 0;
    /// A transfer, send or receive.
    virtual void began(int pe, const Command&, Place, Picoseconds when) = 0;
    virtual void share_done(int pe, const Command&, const Share&) = 0;
    /// Message `number` of those from one PE to another has arrived.
    virtual void message_arrived(int from, int to, std::uint64_t number, Picoseconds when) = 0;
    virtual void ended(int pe, const Command&, Place, Picoseconds when) = 0;
    /// A tile's room is free from then on.
    virtual void freed(int pe, const TileRecord&, Picoseconds when) = 0;
};

}  // namespace tilemesh::pe
