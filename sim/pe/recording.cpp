// SPDX-License-Identifier: Apache-2.0
// What recorders hear of an engine's activity: when it was, and why it began when it did.
#include "sim/base/few.h"
#include "sim/pe/cost.h"
#include "sim/pe/multicast.h"
#include "sim/pe/processing_element.h"

#include <algorithm>

namespace tilemesh::pe {

void ProcessingElement::record(Engine& engine, const Command& command, Picoseconds begin, Picoseconds end,
                               Picoseconds wanted, Bytes bytes, std::uint64_t work) {
    if (!surroundings_.engine_recorder) return;
    // Transfers overlap; an engine counts as busy while at least one is under way.
    Picoseconds& recorded_until = engine.unit ? engine.unit->recorded_until : engine.recorded_until;
    begin = std::max(begin, recorded_until);
    end = std::max(begin, end);
    recorded_until = end;
    const Activity activity{engine.id(), begin, end,           std::min(wanted, begin),
                            bytes,       work,  command.index, name_of(command.op)};
    surroundings_.engine_recorder->activity(activity);
    if (surroundings_.asker) explain(engine, activity, command);
}

void ProcessingElement::explain(const Engine& engine, const Activity& activity, const Command& command) const {
    Reasons reasons;
    reasons.pe = matrix_;
    reasons.processor = command.processor;
    reasons.command = static_cast<std::uint8_t>(command.op);
    reasons.issued = command.issued;
    reasons.peer = command.peer;
    Few<std::uint64_t, 4> messages;
    reasons.line = command.place.line;
    reasons.file = command.place.file;
    for (int i = 0; i < command.operand_count; ++i) {
        const TileRecord& tile = *command.operands[static_cast<std::size_t>(i)];
        if (tile.ready <= reasons.operands) continue;
        reasons.operands = tile.ready;
        reasons.operand = stall_of(tile.made_by);
    }
    const Picoseconds length = activity.end - activity.begin;
    switch (engine.engine_kind()) {
        case EngineKind::matrix:
            reasons.useful =
                std::min(length, config_.clock.time_for(matrix_cycles(config_.matrix, command) / units_at_work_));
            break;
        case EngineKind::send:
            reasons.receivers = receivers_of(command);
            reasons.network = command.network;
            for (const int to : reasons.receivers) {
                MessageChannel& channel = surroundings_.channel(number_, to);
                messages.push_back(channel.take_left(command.network));
                reasons.credits += channel.take_credit_wait(command.network);
            }
            reasons.messages = {messages.begin(), messages.size()};
            reasons.credits = std::min(length, reasons.credits);
            reasons.moving = std::min(
                length - reasons.credits,
                surroundings_.channel(number_, command.peer).time_on_first_link(command.network, activity.bytes));
            break;
        case EngineKind::receive:
            reasons.operands = activity.begin;
            reasons.operand = Stall::operand_neighbour;
            break;
        default:
            break;
    }
    surroundings_.asker->explained(activity, reasons);
}

}  // namespace tilemesh::pe
