// SPDX-License-Identifier: Apache-2.0
// send, multicast and recv: tiles between PEs. Messages of one ordered pair of PEs are taken by its receives in the
// order in which they were sent, over whichever networks they come; shape and dtype of both ends must agree.
#include "sim/tile/context.h"

#include <algorithm>

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

void Context::send(Direction direction, const Tile& tile, int network) {
    send(neighbour(direction, "send"), tile, network);
}

void Context::send(int pe, const Tile& tile, int network) {
    issue_message(Opcode::send, std::span(&pe, 1), tile, network);
}

void Context::multicast(std::span<const std::int32_t> pes, const Tile& tile, int network) {
    const auto complain = [&](std::string_view text) {
        begin(Opcode::multicast, Dtype::f32);
        refuse(Opcode::multicast, text);
    };
    if (pes.empty()) complain("there is nobody to send to, expected at least one PE");
    for (std::size_t i = 0; i < pes.size(); ++i)
        if (std::find(pes.begin() + static_cast<std::ptrdiff_t>(i) + 1, pes.end(), pes[i]) != pes.end())
            complain(fmt::format("PE {} is named twice, expected each receiver once", pes[i]));
    if (pes.size() == 1) return send(pes.front(), tile, network);
    if (!has_network(network)) return issue_message(Opcode::multicast, pes, tile, network);  // which refuses
    for (const std::vector<std::int32_t>& reached : executor_.injections(pes, network))
        issue_message(reached.size() == 1 ? Opcode::send : Opcode::multicast, reached, tile, network);
}

void Context::issue_message(Opcode op, std::span<const std::int32_t> pes, const Tile& tile, int network) {
    Command command = begin(op, tile ? tile.dtype() : Dtype::f32);
    set_network(command, network);
    if (std::find(pes.begin(), pes.end(), info_.pe_id) != pes.end()) refuse(op, "a PE cannot send to itself");
    command.peer = pes.front();
    if (pes.size() > 1) command.moved->receivers.assign(pes.begin(), pes.end());
    if (!tile) refuse(op, "the operand is no tile (moved away or never made)");
    command.moved->message = tile.shape();
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
    command.moved->message = shape;
    return finish(command, shape, dtype, true);
}

}  // namespace tilemesh::tl
