// SPDX-License-Identifier: Apache-2.0
// The one seam through which everything observable passes. Engines, links, SRAM and HBM report what they did, since
// when and why; statistics, traces and cycle accounts are recorders. No part formats anything. No recorder, no cost.
#pragma once

#include "sim/base/units.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tilemesh {

/// A simulated part that can be busy, numbered densely per machine; the machine knows its name
/// ("machine.cube0.pe3.matrix").
using ComponentId = std::uint32_t;

/// One stretch of activity of a component.
struct Activity {
    ComponentId component = 0;
    Picoseconds begin;          // when the component started to work on it
    Picoseconds end;            // when it could start on the next
    Picoseconds wanted;         // when it could have started had the component been free (queueing = begin - wanted)
    Bytes bytes;                // moved by this activity (links, DMA, HBM); 0 for compute
    std::uint64_t work = 0;     // multiply-accumulates or element operations; 0 for movers
    std::uint64_t command = 0;  // index of the command in its PE's program
    std::string_view what;      // "dot", "load", ... static storage
};

/// Why an engine of a PE stands still, or its command processor does not go on.
enum class Stall : std::uint8_t {
    issue,         // the command processor issues, one command after another
    queue_matrix,  // it waits for a place in the queue of that engine
    queue_vector,
    queue_load,
    queue_store,
    queue_send,
    queue_receive,
    sram,               // ... for room in the SRAM
    barrier,            // ... at a barrier, for others or for its own commands
    launch,             // ... for the start of a launch
    drain,              // it has issued everything
    operand_hbm,        // what a command uses is being loaded,
    operand_neighbour,  // received,
    operand_matrix,     // or computed
    operand_vector,
    order,    // a load or store waits for those before it: the same bytes, or too many under way
    sharing,  // another program of this PE has the engine
};
inline constexpr std::size_t stalls = static_cast<std::size_t>(Stall::sharing) + 1;

/// Why an activity of a PE's engine began when it did, and what it spent its time on. Times that do not matter are 0.
struct Reasons {
    ComponentId pe = 0;  // its matrix engine
    std::uint8_t processor = 0;
    std::uint8_t command = 0;      // the opcode
    Picoseconds issued;            // into the engine's queue
    Picoseconds operands;          // all were there
    Stall operand = Stall::issue;  // what the last of them came from
    Picoseconds useful;   // matrix: of the time, what the multiply-accumulates take; the rest fills, drains and pads
    Picoseconds credits;  // send: of the time, without room in the receive buffer
    Picoseconds moving;   // send: of the time, what the bytes take on the first link; the rest waits for its turn
    std::int32_t peer = -1;                   // send, receive: number of the other PE
    std::int32_t network = 0;                 // send, multicast: what it goes over
    std::span<const std::int32_t> receivers;  // send, multicast: of those it goes to
    std::span<const std::uint64_t> messages;  // to each of them: which of all from this PE to that one it is, from 0
    std::int32_t line = 0;                    // of the source, if it has one; 0: not known
    const std::string* file = nullptr;        // that source; outlives the simulation
};

/// Since when what began at `begin` was held up by something else than what its component worked on before, until
/// `free`.
inline Picoseconds blocked_since(Picoseconds begin, Picoseconds wanted, Picoseconds free) {
    return std::max(std::min(wanted, begin), free);
}

/// All that a link has carried, packet by packet.
struct Carried {
    ComponentId component = 0;
    Picoseconds busy;
    Picoseconds queued;   // sum over its activities of the time between wanted and begun
    Picoseconds blocked;  // of that, while it carried nothing else
    Picoseconds first_begin = Picoseconds::max(), last_end;
    Bytes bytes;
    std::uint64_t activities = 0;

    /// One more, not before the end of the last.
    void add(Picoseconds begin, Picoseconds end, Picoseconds wanted, Bytes more) {
        busy += end - begin;
        queued += begin - wanted;
        if (begin > last_end) blocked += begin - blocked_since(begin, wanted, last_end);
        if (begin < first_begin) first_begin = begin;
        last_end = end;
        bytes += more;
        ++activities;
    }
};

class Asker;

class Recorder {
public:
    virtual ~Recorder() = default;
    virtual void activity(const Activity&) = 0;
    /// Shall activity() be told of every packet of a link? Otherwise carried() is, of each link at the end: packets
    /// are most of what happens on a large machine.
    virtual bool follows_packets() const { return true; }
    virtual void carried(const Carried&) {}
    /// SRAM in use at one PE changed, as its book has it: room that turns out to have been free before the last
    /// change is told of with its own, earlier time.
    virtual void sram_level(ComponentId, Picoseconds, Bytes) {}

    /// Who wants to know why: itself, or a recorder that it passes things on to.
    virtual Asker* asker() { return nullptr; }
    /// Where the engines of PEs report when that one gets their activities with reasons.
    virtual Recorder& without_asker() { return *this; }
};

/// A recorder that wants to know why. A PE and its command processors are named by the PE's matrix engine.
class Asker : public Recorder {
public:
    Asker* asker() final { return this; }
    /// Shall sram_level be told?
    virtual bool follows_sram() const { return false; }
    /// An activity of a PE's engine; of links and slices they come as to every recorder.
    virtual void explained(const Activity&, const Reasons&) = 0;
    /// A command processor starts, before any of its PE's has done anything.
    virtual void begins(ComponentId, std::uint8_t) {}
    /// A command goes into an engine's queue because it cannot run yet.
    virtual void queued(ComponentId engine, ComponentId pe, std::uint8_t processor, Picoseconds when) = 0;
    /// A command processor did not go on. In order of time; when it is not stalled, it issues.
    virtual void stalled(ComponentId pe, std::uint8_t processor, Stall, Picoseconds from, Picoseconds until) = 0;
    /// A command processor and all its commands are done.
    virtual void ended(ComponentId pe, std::uint8_t processor, Picoseconds when) = 0;
};

}  // namespace tilemesh
