// SPDX-License-Identifier: Apache-2.0
// What all commands share: numbering, operands, the output's handle, and the text of complaints. The commands
// themselves are in commands/.
#include "sim/tile/context.h"

#include "sim/base/error.h"

#include <limits>

namespace tilemesh {

std::string SourcePlace::text() const {
    if (!file) return {};
    if (line == 0) return fmt::format("{}: ", *file);
    return column == 0 ? fmt::format("{}:{}: ", *file, line) : fmt::format("{}:{}:{}: ", *file, line, column);
}

namespace tl {

std::string_view name_of(Direction direction) {
    constexpr std::string_view names[] = {"east", "west", "north", "south"};
    return names[static_cast<std::size_t>(direction)];
}

int Context::program_id(int axis) const { return info_.program_id.at(static_cast<std::size_t>(axis)); }
int Context::num_programs(int axis) const { return info_.num_programs.at(static_cast<std::size_t>(axis)); }

Command Context::begin(Opcode op, Dtype dtype) {
    Command command;
    command.op = op;
    command.dtype = dtype;
    command.index = next_command_++;
    if (place_) command.place = *place_;
    if (const EngineKind engine = engine_of(op); engine != EngineKind::matrix && engine != EngineKind::vector)
        command.moved = std::make_unique<Movement>();
    return command;
}

void Context::set_network(Command& command, int network) {
    if (!has_network(network)) {
        const std::vector<std::string>& all = info_.networks;
        std::string known;
        for (std::size_t i = 0; i < all.size(); ++i)
            known += fmt::format("{}{} ({})", i == 0 ? "" : i + 1 == all.size() ? " or " : ", ", i, all[i]);
        if (all.size() == 1) known = "0 or none, since the machine has one network";
        refuse(command.op, fmt::format("there is no network {}, expected {}", network, known));
    }
    command.network = static_cast<std::int8_t>(network);
}

void Context::add_operand(Command& command, const Tile& tile) {
    if (!tile) refuse(command.op, "an operand is no tile (moved away or never made)");
    command.operands[command.operand_count++] = &tile.record();
    if (command.values) {
        ValueStep& step = *command.values;
        step.operands[static_cast<std::size_t>(step.count)].record = &tile.record();
        step.operands[static_cast<std::size_t>(step.count++)].view = tile.view();
    }
}

ValueStep& Context::new_step(Command& command, const Shape& shape, Dtype dtype) {
    command.values = std::make_unique<ValueStep>();
    command.values->op = command.op;
    command.values->shape = shape;
    command.values->dtype = dtype;
    return *command.values;
}

Tile Context::finish(Command& command, const Shape& shape, Dtype dtype, bool computed) {
    // Offsets and strides of views are 32 bits wide.
    if (shape.elements() > std::numeric_limits<std::int32_t>::max()) {
        refuse(command.op,
               fmt::format("a tile {} has {} elements, expected less than 2^31", shape.text(), shape.elements()));
    }
    TileRecord* record = executor_.issue(command, shape, dtype);
    record->computed = computed;
    const View view{shape, {shape.rows() * shape.cols(), shape.cols(), 1}, 0};
    return Tile::adopt(*this, *record, view);
}

void Context::refuse(Opcode op, std::string_view text) const {
    fail<KernelError>("{}kernel {}, {}, command {} ({}): {}", place().text(), info_.kernel, info_.pe,
                      next_command_ - 1, tilemesh::name_of(op), text);
}

void Context::refuse_here(std::string_view what, std::string_view text) const {
    fail<KernelError>("{}kernel {}, {}, before command {} ({}): {}", place().text(), info_.kernel, info_.pe,
                      next_command_, what, text);
}

void Context::wait(const Tile& tile) {
    if (!tile) refuse_here("wait", "the operand is no tile (moved away or never made)");
    executor_.wait_until_ready(tile.record());
}
void Context::barrier() { executor_.barrier(); }
void Context::drain() { executor_.drain(); }
void Context::launch(const LaunchedWork& work) { executor_.begin_launch(work); }

}  // namespace tl
}  // namespace tilemesh
