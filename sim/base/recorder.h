// SPDX-License-Identifier: Apache-2.0
// The one seam through which everything observable passes. Engines, links, SRAM and HBM report what they did, since
// when and why; statistics, traces and cycle accounts are recorders. No part formats anything. No recorder, no cost.
#pragma once

#include "sim/base/units.h"

#include <cstdint>
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
    ComponentId pe = 0;  // as in Recorder::processor
    std::uint8_t processor = 0;
    std::uint8_t command = 0;      // the opcode
    Picoseconds issued;            // into the engine's queue
    Picoseconds operands;          // all were there
    Stall operand = Stall::issue;  // what the last of them came from
    Picoseconds useful;   // matrix: of the time, what the multiply-accumulates take; the rest fills, drains and pads
    Picoseconds credits;  // send: of the time, without room in the receive buffer
    Picoseconds moving;   // send: of the time, what the bytes take on the first link; the rest waits for its turn
    std::int32_t peer = -1;             // send, receive: number of the other PE
    std::int32_t line = 0;              // of the source, if it has one; 0: not known
    const std::string* file = nullptr;  // that source; outlives the simulation
};

class Recorder {
public:
    virtual ~Recorder() = default;
    virtual void activity(const Activity&) = 0;
    /// SRAM in use at one PE changed, as its book has it: room that turns out to have been free before the last
    /// change is told of with its own, earlier time.
    virtual void sram_level(ComponentId, Picoseconds, Bytes) {}

    // For those who want to know why; the rest of the machine asks first.
    virtual bool wants_reasons() const { return false; }
    /// Follows the activity of a PE's engine.
    virtual void reasons(const Activity&, const Reasons&) {}
    /// A command goes into the queue of an engine.
    virtual void issued(ComponentId /*engine*/, const Reasons&) {}
    /// What a command processor of a PE (named by its matrix engine) did next, in order and without gaps from 0 on.
    virtual void processor(ComponentId /*pe*/, std::uint8_t /*processor*/, Stall, Picoseconds /*until*/) {}
};

}  // namespace tilemesh
