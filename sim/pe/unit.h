// SPDX-License-Identifier: Apache-2.0
// An engine's hardware where several command processors share it. Each has a queue of its own, in order; the unit
// takes the head that has been ready longest, then the one of the lowest processor. So that nothing depends on the
// order in which things of one instant become known, it starts a command a picosecond after it could, knowing all
// that came before.
#pragma once

#include "sim/pe/engine.h"

#include <systemc>
#include <vector>

namespace tilemesh::pe {

class Unit final : public sc_core::sc_module, public noc::Agenda::Entry {
public:
    Unit(sc_core::sc_module_name name, ProcessingElement& pe) : sc_module(name), pe_(pe) {}
    void add(Engine& queue) { queues_.push_back(&queue); }
    const std::vector<Engine*>& queues() const { return queues_; }

    /// Calls ProcessingElement::start_next at `when` (now or later), or before if asked for earlier.
    void schedule(Picoseconds when);
    void due() override;

    Picoseconds free_at;         // when the next command may start
    Picoseconds recorded_until;  // end of the last recorded activity

private:
    ProcessingElement& pe_;
    std::vector<Engine*> queues_;                  // by processor
    Picoseconds start_from_ = Picoseconds::max();  // when it will be asked to start; max: it will not
};

}  // namespace tilemesh::pe
