// SPDX-License-Identifier: Apache-2.0
// load and store: boxes of tensors, all of their rows or every so many, between HBM and SRAM, by the DMA engines. A
// load sees every store this PE issued before it to the same elements.
#include "sim/tile/context.h"

namespace tilemesh::tl {

void Context::check_box(Opcode op, const TensorBox& box) {
    const Shape& whole = box.tensor->shape();
    if (box.row_stride < 1) refuse(op, fmt::format("the row stride is {}, expected at least 1", box.row_stride));
    if (!box.shape.positive()) refuse(op, fmt::format("shape {} has no elements", box.shape.text()));
    for (int i = 0; i < 3; ++i) {
        const std::int64_t begin = box.offset[static_cast<std::size_t>(i)];
        const std::int64_t extent =
            i == 1 ? (box.shape.rows() - std::int64_t{1}) * box.row_stride + 1 : box.shape.slot(i);
        if (begin < 0 || begin + extent > whole.slot(i)) {
            refuse(op, fmt::format("{}{} at [{}, {}, {}] does not lie inside {} {}", box.shape.text(),
                                   box.row_stride > 1 ? fmt::format(" of every row number {}", box.row_stride) : "",
                                   box.offset[0], box.offset[1], box.offset[2], box.tensor->name(), whole.text()));
        }
    }
}

Tile Context::load(Pointer from, Shape shape, Dtype dtype) {
    if (from.tensor && from.tensor->dtype() != dtype) {
        begin(Opcode::load, dtype);
        refuse(Opcode::load, fmt::format("{} is {}, expected {}", from.tensor->name(),
                                         tilemesh::name_of(from.tensor->dtype()), tilemesh::name_of(dtype)));
    }
    return load(from, shape);
}

Tile Context::load(Pointer from, Shape shape, int network) {
    Command command = begin(Opcode::load, Dtype::f32);
    set_network(command, network);
    if (!from.tensor) refuse(Opcode::load, "the pointer points nowhere");
    command.dtype = from.tensor->dtype();
    command.moved->box = {from.tensor, from.offset, shape, from.row_stride};
    check_box(Opcode::load, command.moved->box);
    const bool computed = computes_values() && from.tensor->computes(command.moved->box);
    if (computed) new_step(command, shape, command.dtype).box = command.moved->box;
    return finish(command, shape, command.dtype, computed);
}

void Context::store(Pointer to, const Tile& tile, int network) {
    Command command = begin(Opcode::store, Dtype::f32);
    set_network(command, network);
    if (!to.tensor) refuse(Opcode::store, "the pointer points nowhere");
    if (!tile) refuse(Opcode::store, "the operand is no tile (moved away or never made)");
    if (tile.dtype() != to.tensor->dtype()) {
        refuse(Opcode::store,
               fmt::format("the tile is {} {}, {} is {}", tilemesh::name_of(tile.dtype()), tile.shape().text(),
                           to.tensor->name(), tilemesh::name_of(to.tensor->dtype())));
    }
    command.dtype = tile.dtype();
    command.moved->box = {to.tensor, to.offset, tile.shape(), to.row_stride};
    check_box(Opcode::store, command.moved->box);
    if (computes(tile)) new_step(command, tile.shape(), tile.dtype()).box = command.moved->box;
    add_operand(command, tile);
    executor_.issue(command, Shape(), command.dtype);
}

Tile Context::load(Ref<Access> from, Shape shape, Dtype dtype, bool always, int network) {
    Command command = begin(Opcode::load, dtype);
    set_network(command, network);
    if (!shape.positive()) refuse(Opcode::load, fmt::format("shape {} has no elements", shape.text()));
    const bool computed = always || computes_values();
    if (computed) new_step(command, shape, dtype).access = from;
    command.moved->access = std::move(from);
    return finish(command, shape, dtype, computed);
}

void Context::store(Ref<Access> to, const Tile& tile, int network) {
    Command command = begin(Opcode::store, tile ? tile.dtype() : Dtype::f32);
    set_network(command, network);
    if (!tile) refuse(Opcode::store, "the operand is no tile (moved away or never made)");
    if (computes(tile) || to->stores_numbers()) new_step(command, tile.shape(), tile.dtype()).access = to;
    command.moved->access = std::move(to);
    add_operand(command, tile);
    executor_.issue(command, Shape(), command.dtype);
}

}  // namespace tilemesh::tl
