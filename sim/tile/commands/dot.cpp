// SPDX-License-Identifier: Apache-2.0
// dot: batched matrix product on the matrix engine, f32 accumulation. Its speed follows the dtype of its operands.
#include "sim/tile/context.h"

namespace tilemesh::tl {

Tile Context::dot(const Tile& a, const Tile& b) { return dot(a, b, Tile()); }

Tile Context::dot(const Tile& a, const Tile& b, const Tile& acc) {
    Command command = begin(Opcode::dot, a ? a.dtype() : Dtype::f32);
    if (!a || !b) refuse(Opcode::dot, "an operand is no tile (moved away or never made)");
    const Shape &x = a.shape(), &y = b.shape();
    if (x.rank() < 2 || y.rank() < 2 || x.cols() != y.rows() || (y.batch() != 1 && y.batch() != x.batch())) {
        refuse(Opcode::dot,
               fmt::format("shapes {} and {} do not multiply, expected [b, m, k] and [b, k, n]", x.text(), y.text()));
    }
    if (a.dtype() != b.dtype() || a.dtype() == Dtype::i32 || a.dtype() == Dtype::mask) {
        refuse(Opcode::dot,
               fmt::format("operands are {} {} and {} {}, expected one floating dtype", tilemesh::name_of(a.dtype()),
                           x.text(), tilemesh::name_of(b.dtype()), y.text()));
    }
    const Shape shape(x.rank(), {x.batch(), x.rows(), y.cols()});
    if (acc && (acc.shape().slots() != shape.slots() || acc.dtype() != Dtype::f32)) {
        refuse(Opcode::dot, fmt::format("the accumulator is {} {}, expected f32 {}", tilemesh::name_of(acc.dtype()),
                                        acc.shape().text(), shape.text()));
    }
    command.batch = x.batch();
    command.m = x.rows();
    command.k = x.cols();
    command.n = y.cols();
    const bool computed = computes(a);
    if (computed) new_step(command, shape, Dtype::f32);
    add_operand(command, a);
    add_operand(command, b);
    if (acc) add_operand(command, acc);
    return finish(command, shape, Dtype::f32, computed);
}

}  // namespace tilemesh::tl
