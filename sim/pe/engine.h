// SPDX-License-Identifier: Apache-2.0
// An engine: a finite queue of commands executed in order. Matrix and vector engines are pure arithmetic: once a
// command's operands have known times, so has the command, and the engine needs no event of its own. DMA, send and
// receive engines touch shared parts (HBM, links), so their commands start at their simulated instant.
#pragma once

#include "sim/base/recorder.h"
#include "sim/base/ring_queue.h"
#include "sim/noc/agenda.h"
#include "sim/pe/follower.h"
#include "sim/tile/evaluate.h"

#include <cstdint>
#include <systemc>

namespace tilemesh::pe {

class ProcessingElement;
class Unit;

/// What waiting for the tile that a command makes is waiting for.
Stall stall_of(Opcode made_by);

class Engine : public sc_core::sc_module, public noc::Agenda::Entry {
    // What is looked at for every command comes first and lies together: on large machines it is in no near cache.
    alignas(64) RingQueue<Command> entries_;
    RingQueue<Picoseconds> starts_;  // of the last that have started, as far as those times lie ahead
    std::uint64_t depth_;
    std::uint64_t issued_ = 0;
    std::uint64_t started_ = 0;
    ProcessingElement& pe_;
    EngineKind kind_;
    int bit_;
    ComponentId id_;

public:
    Engine(sc_core::sc_module_name name, ProcessingElement& pe, EngineKind kind, int bit, int depth, ComponentId id);

    EngineKind engine_kind() const { return kind_; }
    int bit() const { return bit_; }
    ComponentId id() const { return id_; }
    Follower::Place place() const { return {id_, bit_}; }
    bool shared() const { return kind_ != EngineKind::matrix && kind_ != EngineKind::vector; }

    // The queue: at most `depth` commands, in memory for as many as wait. Sequence numbers count the engine's
    // commands from 0.
    std::uint64_t issued() const { return issued_; }
    std::uint64_t started() const { return started_; }
    bool idle() const { return issued_ == started_; }
    Command& head() { return entries_.front(); }
    void push(Command&& command) {
        ++issued_;
        entries_.push_slot() = std::move(command);
    }
    /// The next command, in the queue or just issued, starts at `when` and leaves the queue then.
    void note_start(Picoseconds when) {
        ++started_;
        starts_.push(when);
        if (!entries_.empty()) entries_.drop();
    }
    /// Counts a command that starts without having been queued.
    void note_direct() { ++issued_; }
    /// Is the start of the command that must leave before one more fits known?
    bool slot_known() const { return issued_ - started_ < depth_; }
    /// When that one leaves (slot_known() must hold), or `now` if it has; `now` never goes back.
    Picoseconds slot_free_at(Picoseconds now) {
        while (!starts_.empty() && starts_.front() <= now) starts_.drop();
        const std::uint64_t first = started_ - starts_.size();  // of those whose start lies ahead
        return issued_ < first + depth_ ? now : starts_[issued_ - depth_ - first];
    }

    Unit* unit = nullptr;        // the hardware, where other queues share it
    Picoseconds free_at;         // when the next command may start, as far as the engine itself is concerned
    bool free_known = true;      // false while a started command's end is not known
    bool scheduled = false;      // the head's start event is pending
    Picoseconds recorded_until;  // end of the last recorded activity (activities of one engine do not overlap)

    Command current;  // send, receive: the command under way
    Picoseconds current_since;

    /// Calls ProcessingElement::start_head at `when` (now or later).
    void schedule(Picoseconds when);
    void due() override;
};

}  // namespace tilemesh::pe
