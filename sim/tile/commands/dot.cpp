// SPDX-License-Identifier: Apache-2.0
// dot: batched matrix product on the matrix engine, f32 accumulation. Its speed follows the dtype of its operands. An
// 8-bit float may meet a wider type, or the other 8-bit one: it is widened on its way in, so the product runs at the
// speed of the wider operand, while the SRAM port moves each as it is stored.
#include "sim/tile/context.h"

namespace tilemesh::tl {
namespace {

/// The operand whose dtype sets the speed: the wider one, the first of equals. Null: these do not multiply.
const Tile* leading(const Tile& a, const Tile& b) {
    const auto is_byte = [](Dtype dtype) { return dtype == Dtype::i8 || dtype == Dtype::u8; };
    if (is_byte(a.dtype()) && is_byte(b.dtype())) return &a;
    if (!is_floating(a.dtype()) || !is_floating(b.dtype())) return nullptr;
    if (a.dtype() == b.dtype()) return &a;
    if (is_fp8(b.dtype())) return &a;
    return is_fp8(a.dtype()) ? &b : nullptr;
}

}  // namespace

Tile Context::dot(const Tile& a, const Tile& b) { return dot(a, b, Tile()); }

Tile Context::dot(const Tile& a, const Tile& b, const Tile& acc) {
    Command command = begin(Opcode::dot, a ? a.dtype() : Dtype::f32);
    if (!a || !b) refuse(Opcode::dot, "an operand is no tile (moved away or never made)");
    const Shape &x = a.shape(), &y = b.shape();
    if (x.rank() < 2 || y.rank() < 2 || x.cols() != y.rows() || (y.batch() != 1 && y.batch() != x.batch())) {
        refuse(Opcode::dot,
               fmt::format("shapes {} and {} do not multiply, expected [b, m, k] and [b, k, n]", x.text(), y.text()));
    }
    const Tile* const lead = leading(a, b);
    if (!lead) {
        refuse(Opcode::dot,
               fmt::format(
                   "operands are {} {} and {} {}, expected one floating dtype, 8-bit floats with another, or bytes",
                   tilemesh::name_of(a.dtype()), x.text(), tilemesh::name_of(b.dtype()), y.text()));
    }
    command.dtype = lead->dtype();
    command.left_bytes = static_cast<std::uint8_t>(bytes_per_element(a.dtype()));
    command.right_bytes = static_cast<std::uint8_t>(bytes_per_element(b.dtype()));
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
