// SPDX-License-Identifier: Apache-2.0
// The vector engine's commands: element by element with broadcasting, reductions, select, casts and fills. Arithmetic
// is done in f32; the result has the wider dtype of the operands.
#include "sim/tile/context.h"

#include <algorithm>
#include <array>

namespace tilemesh::tl {

Tile Context::elementwise(Opcode op, std::initializer_list<Operand> operands) {
    // Numbers take the dtype of the tiles they meet.
    Dtype dtype = Dtype::mask;
    const auto width = [](Dtype d) { return d == Dtype::f32 ? 3 : d == Dtype::mask ? 0 : d == Dtype::i32 ? 1 : 2; };
    for (const Operand& operand : operands) {
        if (!operand.tile() || !*operand.tile()) continue;
        const Dtype other = operand.tile()->dtype();
        if (width(other) > width(dtype)) dtype = other;
        if (width(other) == 2 && width(dtype) == 2 && other != dtype) dtype = Dtype::f32;
    }
    if (dtype == Dtype::mask) dtype = Dtype::f32;
    return elementwise(op, std::span<const Operand>(operands.begin(), operands.size()), dtype);
}

Tile Context::elementwise(Opcode op, std::span<const Operand> operands, Dtype dtype) {
    Command command = begin(op, dtype);
    Shape shape;
    bool any = false;
    for (const Operand& operand : operands) {
        if (!operand.tile()) continue;
        any = true;
        if (!*operand.tile()) refuse(op, "an operand is no tile (moved away or never made)");
        const Shape& other = operand.tile()->shape();
        const Shape both = broadcast(shape, other);
        if (both.rank() < 0) {
            refuse(op, fmt::format("shapes {} and {} do not broadcast", shape.text(), other.text()));
        }
        shape = both;
    }
    if (!any) refuse(op, "needs at least one tile");
    command.elements = shape.elements();
    bool computed = computes_values();
    for (const Operand& operand : operands) computed = computed && (!operand.tile() || computes(*operand.tile()));
    if (computed) new_step(command, shape, dtype);
    for (const Operand& operand : operands) {
        if (operand.tile()) {
            add_operand(command, *operand.tile());
        } else if (command.values) {
            ValueStep& step = *command.values;
            ValueOperand& number = step.operands[static_cast<std::size_t>(step.count++)];
            number.scalar = operand.scalar();
            number.whole = operand.whole();
        }
    }
    return finish(command, shape, dtype, computed);
}

Tile Context::add(Operand a, Operand b) { return elementwise(Opcode::add, {a, b}); }
Tile Context::subtract(Operand a, Operand b) { return elementwise(Opcode::subtract, {a, b}); }
Tile Context::multiply(Operand a, Operand b) { return elementwise(Opcode::multiply, {a, b}); }
Tile Context::divide(Operand a, Operand b) { return elementwise(Opcode::divide, {a, b}); }
Tile Context::maximum(Operand a, Operand b) { return elementwise(Opcode::maximum, {a, b}); }
Tile Context::minimum(Operand a, Operand b) { return elementwise(Opcode::minimum, {a, b}); }
Tile Context::fma(Operand a, Operand b, Operand c) { return elementwise(Opcode::fma, {a, b, c}); }
Tile Context::fms(Operand a, Operand b, Operand c) { return elementwise(Opcode::fms, {a, b, c}); }
Tile Context::exp(const Tile& tile) { return elementwise(Opcode::exp, {tile}); }
Tile Context::exp2(const Tile& tile) { return elementwise(Opcode::exp2, {tile}); }
Tile Context::log(const Tile& tile) { return elementwise(Opcode::log, {tile}); }
Tile Context::tanh(const Tile& tile) { return elementwise(Opcode::tanh, {tile}); }

Tile Context::cast(const Tile& tile, Dtype dtype) {
    const std::array<Operand, 1> operands{tile};
    return elementwise(Opcode::cast, operands, dtype);
}

Tile Context::where(const Tile& mask, Operand a, Operand b) {
    if (!mask || mask.dtype() != Dtype::mask) {
        begin(Opcode::where, Dtype::f32);
        refuse(Opcode::where, fmt::format("the condition is {}, expected a mask (tl.compare)",
                                          mask ? tilemesh::name_of(mask.dtype()) : "no tile"));
    }
    return elementwise(Opcode::where, {mask, a, b});
}

Tile Context::compare(Shape shape, MaskRow visible, int operations) {
    Command command = begin(Opcode::compare, Dtype::mask);
    if (!shape.positive()) refuse(Opcode::compare, fmt::format("shape {} has no elements", shape.text()));
    command.elements = shape.elements() * std::max(1, operations);
    if (computes_values()) new_step(command, shape, Dtype::mask).predicate = std::move(visible);
    return finish(command, shape, Dtype::mask, computes_values());
}

Tile Context::reduce(Opcode op, const Tile& tile, int axis) {
    return reduce(op, tile, axis, tile ? tile.dtype() : Dtype::f32);
}

Tile Context::reduce(Opcode op, const Tile& tile, int axis, Dtype dtype) {
    Command command = begin(op, tile ? tile.dtype() : Dtype::f32);
    if (!tile) refuse(op, "the operand is no tile (moved away or never made)");
    const int slot = tile.shape().slot_of(axis);
    if (slot < 3 - tile.shape().rank() || slot > 2) {
        refuse(op, fmt::format("axis {} does not exist in {}", axis, tile.shape().text()));
    }
    if (op == Opcode::softmax && slot != 2) refuse(op, "softmax works along the last axis");
    auto dims = tile.shape().slots();
    if (op != Opcode::softmax && op != Opcode::cumsum) dims[static_cast<std::size_t>(slot)] = 1;
    const Shape shape(tile.shape().rank(), dims);
    command.elements = tile.shape().elements();
    const bool computed = computes(tile);
    if (computed) new_step(command, shape, dtype).axis = slot;
    add_operand(command, tile);
    return finish(command, shape, dtype, computed);
}

Tile Context::max(const Tile& tile, int axis) { return reduce(Opcode::reduce_max, tile, axis); }
Tile Context::sum(const Tile& tile, int axis) { return reduce(Opcode::reduce_sum, tile, axis); }
Tile Context::softmax(const Tile& tile, int axis) { return reduce(Opcode::softmax, tile, axis); }

Tile Context::fill(Shape shape, Dtype dtype, std::function<float(std::int32_t)> generator, int operations) {
    Command command = begin(Opcode::fill, dtype);
    if (!shape.positive()) refuse(Opcode::fill, fmt::format("shape {} has no elements", shape.text()));
    command.elements = shape.elements() * std::max(1, operations);
    if (computes_values()) new_step(command, shape, dtype).generator = std::move(generator);
    return finish(command, shape, dtype, computes_values());
}

Tile Context::fill_integers(Shape shape, Dtype dtype, std::function<std::int64_t(std::int32_t)> numbers) {
    Command command = begin(Opcode::fill, dtype);
    command.elements = shape.elements();
    if (computes_values()) new_step(command, shape, dtype).numbers = std::move(numbers);
    return finish(command, shape, dtype, computes_values());
}

Tile Context::full(Shape shape, float value, Dtype dtype) {
    return fill(shape, dtype, [rounded = round_to(dtype, value)](std::int32_t) { return rounded; });
}

Tile Context::arange(std::int64_t begin, std::int64_t end) {
    return fill(Shape{end - begin}, Dtype::i32, [begin](std::int32_t i) { return static_cast<float>(begin + i); });
}

Tile Context::repeat(const Tile& tile, std::int64_t times, Repeat what) {
    Command command = begin(Opcode::repeat, tile ? tile.dtype() : Dtype::f32);
    if (!tile) refuse(Opcode::repeat, "the operand is no tile (moved away or never made)");
    if (tile.shape().rank() != 3 || times < 1)
        refuse(Opcode::repeat,
               fmt::format("found {} {} times, expected a tile of rank 3 at least once", tile.shape().text(), times));
    const Shape shape{tile.shape().batch(), tile.shape().rows() * times, tile.shape().cols()};
    command.elements = shape.elements();
    const bool computed = computes(tile);
    if (computed) new_step(command, shape, tile.dtype()).axis = what == Repeat::each_row ? 1 : 0;
    add_operand(command, tile);
    return finish(command, shape, tile.dtype(), computed);
}

}  // namespace tilemesh::tl
