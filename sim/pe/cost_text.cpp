// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/cost_text.h"

#include <fmt/format.h>

namespace tilemesh::pe {

std::string cost_text(Opcode op) {
    switch (engine_of(op)) {
        case EngineKind::matrix:
            return "max(b * folds * pace / pe.matrix.speed.DTYPE, bytes / pe.matrix.sram_bytes_per_cycle)";
        case EngineKind::vector:
            return fmt::format("ceil(elements / pe.vector.lanes) * pe.vector.cycles_per_element.{}", name_of(op));
        case EngineKind::dma_load:
        case EngineKind::dma_store:
            return "pe.dma.descriptor_cycles a piece; then HBM and network, a transfer at most at "
                   "pe.dma.bytes_per_cycle";
        case EngineKind::send:
            return "until the message has left: network.link, die_to_die and port";
        case EngineKind::receive:
            return "until the message is there";
    }
    return {};
}

std::vector<std::string> cost_notes() {
    return {
        "Costs are cycles of pe.clock_ghz. An engine does its commands in their order, engines work side by side. To "
        "issue a command takes pe.issue_cycles; pe.queue_depth of them wait for each engine.",
        "vector: elements of the result, in max to cumsum of x; in compare and fill times the operations of an "
        "element. Its result is there pe.vector.startup_cycles after the last.",
        "dot: rows and cols are pe.matrix.rows and pe.matrix.cols, DTYPE is the wider operand's, bytes are those of "
        "a, "
        "b, acc and the result. By pe.matrix.dataflow:",
        "  output_stationary: folds = ceil(m / rows) * ceil(n / cols), pace = max(k, min(m, rows)); its result is "
        "there "
        "rows + cols - 2 + k - pace cycles later",
        "  weight_stationary: folds = ceil(k / rows) * ceil(n / cols), pace = max(m, min(k, rows)); its result is "
        "there "
        "2 rows + cols - 2 + m - pace cycles later",
        "  ideal: folds * pace = m * n * k / (rows * cols); its result is there at once",
        "  without pe.matrix.overlap_folds a fold waits for the one before: folds * (k + rows + cols - 2) - 1, or "
        "folds "
        "* (m + 2 rows + cols - 2) - 1, and its result is there at once",
        "load, store: pe.dma.outstanding of each are in flight. A piece is what lies in one place: a box, or a page "
        "of "
        "one.",
        "Programs: f32 in a dot with a 16-bit float is cast to that first. send and multicast take floats, and "
        "integers "
        "that commands compute, but no indices and no loaded integers: these are known without an engine.",
        "Views (trans, reshape, slice, permute, broadcast_to) are no commands and take no time.",
    };
}

}  // namespace tilemesh::pe
