// SPDX-License-Identifier: Apache-2.0
// How shared engines come to run their commands.
#include "sim/pe/unit.h"

#include "sim/noc/sim_time.h"
#include "sim/pe/processing_element.h"

#include <algorithm>

namespace tilemesh::pe {

void Unit::schedule(Picoseconds when) {
    when = std::max(when, simulated_now());
    if (when >= start_from_) return;
    start_from_ = when;
    pe_.surroundings().agenda.enter(*this, when);
}

void Unit::due() {
    if (start_from_ != simulated_now()) return;  // it was asked for earlier
    start_from_ = Picoseconds::max();
    pe_.start_next(*this);
}

Picoseconds ProcessingElement::start_of_head(Unit& unit, Engine& queue) {
    if (queue.idle()) return TileRecord::unknown;
    Command& command = queue.head();
    const Picoseconds operands = operands_ready(command, queue.bit());
    if (operands == TileRecord::unknown) return operands;
    Picoseconds ready = std::max(operands, command.issued);
    if (queue.shared()) {
        Dma& dma = queue.engine_kind() == EngineKind::dma_load ? loads_ : stores_;
        const Picoseconds hazards = hazards_over(command, queue.bit());
        if (hazards == TileRecord::unknown || !dma.slot_known()) return TileRecord::unknown;
        ready = std::max({ready, hazards, dma.slot_free_at()});
    }
    return std::max(ready + Picoseconds(1), unit.free_at);
}

void ProcessingElement::consider(Unit& unit) {
    Picoseconds earliest = TileRecord::unknown;
    for (Engine* queue : unit.queues()) earliest = std::min(earliest, start_of_head(unit, *queue));
    if (earliest != TileRecord::unknown) unit.schedule(earliest);
}

void ProcessingElement::take_next(Unit& unit) {
    const Picoseconds now = simulated_now();
    Engine* chosen = nullptr;
    Picoseconds longest = TileRecord::unknown;
    for (Engine* queue : unit.queues()) {
        const Picoseconds start = start_of_head(unit, *queue);
        if (start == TileRecord::unknown || start > now) continue;
        const Picoseconds ready = std::max(operands_ready(queue->head(), queue->bit()), queue->head().issued);
        if (ready >= longest) continue;
        longest = ready;
        chosen = queue;
    }
    if (chosen) {
        Command command = std::move(chosen->head());
        if (chosen->shared()) {
            chosen->note_start(now);
            if (surroundings_.follower) surroundings_.follower->began(number_, command, chosen->place(), now);
            start_transfer(*chosen, std::move(command), now);
            unit.free_at = chosen->free_at;
        } else {
            chosen->free_at = unit.free_at;
            run_local(*chosen, command, now);
            unit.free_at = chosen->free_at;
        }
    }
    consider(unit);
}

}  // namespace tilemesh::pe
