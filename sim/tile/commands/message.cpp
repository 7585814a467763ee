// SPDX-License-Identifier: Apache-2.0
// send and recv: tiles between PEs. Messages of one ordered pair of PEs arrive in the order they were sent and are
// taken in the order of the receives; shape and dtype of both ends must agree.
#include "sim/tile/context.h"

namespace tilemesh::tl {

int Context::neighbour(Direction direction, std::string_view what) {
    const int pe = info_.neighbours[static_cast<std::size_t>(direction)];
    if (pe < 0) {
        begin(what == "send" ? Opcode::send : Opcode::receive, Dtype::f32);
        refuse(what == "send" ? Opcode::send : Opcode::receive,
               fmt::format("this PE has no neighbour to the {}", name_of(direction)));
    }
    return pe;
}

void Context::send(Direction direction, const Tile& tile) { send(neighbour(direction, "send"), tile); }

void Context::send(int pe, const Tile& tile) {
    Command command = begin(Opcode::send, tile ? tile.dtype() : Dtype::f32);
    if (pe == info_.pe_id) refuse(Opcode::send, "a PE cannot send to itself");
    command.peer = pe;
    if (!tile) refuse(Opcode::send, "the operand is no tile (moved away or never made)");
    command.message = tile.shape();
    if (computes_values()) new_step(command, tile.shape(), tile.dtype());
    add_operand(command, tile);
    executor_.issue(command, Shape(), command.dtype);
}

Tile Context::recv(Direction direction, Shape shape, Dtype dtype) {
    return recv(neighbour(direction, "recv"), shape, dtype);
}

Tile Context::recv(int pe, Shape shape, Dtype dtype) {
    Command command = begin(Opcode::receive, dtype);
    if (pe == info_.pe_id) refuse(Opcode::receive, "a PE cannot receive from itself");
    if (!shape.positive()) refuse(Opcode::receive, fmt::format("shape {} has no elements", shape.text()));
    command.peer = pe;
    command.message = shape;
    return finish(command, shape, dtype, true);
}

}  // namespace tilemesh::tl
