// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/meter.h"

#include "sim/pe/command_processor.h"
#include "sim/pe/cost.h"
#include "sim/tile/tensor.h"

namespace tilemesh::pe {
namespace {

Bytes bytes_of_transfer(const Command& command) {
    if (command.moved->access) return command.moved->access->bytes();
    return Bytes(static_cast<std::uint64_t>(command.moved->box.shape.elements()) *
                 bytes_per_element(command.moved->box.tensor->dtype()));
}

}  // namespace

void Meter::count(const Command& command) {
    const EngineKind engine = engine_of(command.op);
    if (static_cast<std::size_t>(engine) >= Effort::engines) return;
    Effort::Part& part = (whose_ ? *whose_ : issued_).of(engine);
    ++part.commands;
    switch (engine) {
        case EngineKind::matrix:
            part.work += std::int64_t{command.batch} * command.m * command.n * command.k;
            part.busy += static_cast<std::int64_t>(
                config_.clock.time_for(matrix_cost(config_.matrix, command).occupancy_cycles).value());
            break;
        case EngineKind::vector:
            part.work += command.elements;
            part.busy += static_cast<std::int64_t>(
                config_.clock.time_for(vector_cost(config_.vector, command.op, command.elements).occupancy_cycles)
                    .value());
            break;
        default:
            part.bytes += static_cast<std::int64_t>(bytes_of_transfer(command).value());
            part.busy += static_cast<std::int64_t>(hbm_.time_for(bytes_of_transfer(command)).value());
            break;
    }
}

Repetition::Reading Meter::read() const { return {processor_.own_time(), issued_}; }

void Meter::begin() { processor_.begin_passing(); }

void Meter::end() { processor_.end_passing(); }

void Meter::pass(Picoseconds length, Picoseconds until) { processor_.pass_over(length, until); }

Picoseconds Meter::hold_up(Picoseconds ready) { return processor_.hold_up(ready); }

}  // namespace tilemesh::pe
