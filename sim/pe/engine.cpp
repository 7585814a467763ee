// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/engine.h"

#include "sim/pe/processing_element.h"

namespace tilemesh::pe {

Stall stall_of(Opcode made_by) {
    switch (engine_of(made_by)) {
        case EngineKind::matrix:
            return Stall::operand_matrix;
        case EngineKind::dma_load:
            return Stall::operand_hbm;
        case EngineKind::receive:
            return Stall::operand_neighbour;
        default:
            return Stall::operand_vector;
    }
}

Engine::Engine(sc_core::sc_module_name name, ProcessingElement& pe, EngineKind kind, int bit, int depth,
               ComponentId id)
    : sc_module(name), depth_(static_cast<std::uint64_t>(depth)), pe_(pe), kind_(kind), bit_(bit), id_(id) {}

void Engine::schedule(Picoseconds when) {
    scheduled = true;
    pe_.surroundings().agenda.enter(*this, when);
}

void Engine::due() {
    scheduled = false;
    pe_.start_head(*this);
}

}  // namespace tilemesh::pe
