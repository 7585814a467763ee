// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/command_table.h"

#include <iterator>

namespace tilemesh {
namespace {

constexpr CommandEntry table[] = {
    {Opcode::dot, "dot", "a [b, m, k], b [b or 1, k, n], acc f32 [b, m, n] or none", "f32 [b, m, n]",
     "a @ b + acc; floats of one dtype, 8-bit floats with another, or bytes (of programs: f32 with 16-bit floats, "
     "cast to these first)"},
    {Opcode::add, "add", "x [s], y [t]", "widest dtype [s, t broadcast]", "x + y"},
    {Opcode::subtract, "subtract", "x [s], y [t]", "widest dtype [s, t broadcast]", "x - y"},
    {Opcode::multiply, "multiply", "x [s], y [t]", "widest dtype [s, t broadcast]", "x * y"},
    {Opcode::divide, "divide", "x [s], y [t]", "widest dtype [s, t broadcast]", "x / y"},
    {Opcode::maximum, "maximum", "x [s], y [t]", "widest dtype [s, t broadcast]", "the greater one"},
    {Opcode::minimum, "minimum", "x [s], y [t]", "widest dtype [s, t broadcast]", "the lesser one"},
    {Opcode::fma, "fma", "x [s], y [t], z [u]", "widest dtype [s, t, u broadcast]",
     "x * y + z, the product rounded to f32"},
    {Opcode::fms, "fms", "x [s], y [t], z [u]", "widest dtype [s, t, u broadcast]",
     "x * y - z, the product rounded to f32"},
    {Opcode::exp, "exp", "x [s]", "dtype of x [s]", "e^x"},
    {Opcode::exp2, "exp2", "x [s]", "dtype of x [s]", "2^x"},
    {Opcode::log, "log", "x [s]", "dtype of x [s]", "natural logarithm"},
    {Opcode::tanh, "tanh", "x [s]", "dtype of x [s]", "hyperbolic tangent"},
    {Opcode::where, "where", "mask [s], x [t], y [u]", "widest dtype [s, t, u broadcast]",
     "x where the mask is set, else y"},
    {Opcode::compare, "compare", "none; a rule of indices", "mask [s]",
     "an element mask made of indices, of so many operations an element"},
    {Opcode::cast, "cast", "x [s]", "the dtype asked for [s]", "rounded to another dtype"},
    {Opcode::fill, "fill", "none; a number or a rule of indices", "any dtype [s]",
     "full, zeros, arange, or so many operations an element"},
    {Opcode::repeat, "repeat", "x [b, r, c]", "dtype of x [b, r * times, c]", "its rows several times"},
    {Opcode::log2, "log2", "x [s]", "dtype of x [s]", "base-2 logarithm"},
    {Opcode::sqrt, "sqrt", "x [s]", "dtype of x [s]", "square root"},
    {Opcode::rsqrt, "rsqrt", "x [s]", "dtype of x [s]", "1 / square root"},
    {Opcode::sin, "sin", "x [s]", "dtype of x [s]", "sine"},
    {Opcode::cos, "cos", "x [s]", "dtype of x [s]", "cosine"},
    {Opcode::erf, "erf", "x [s]", "dtype of x [s]", "error function"},
    {Opcode::abs, "abs", "x [s]", "dtype of x [s]", "without its sign"},
    {Opcode::floor, "floor", "x [s]", "dtype of x [s]", "rounded down"},
    {Opcode::ceil, "ceil", "x [s]", "dtype of x [s]", "rounded up"},
    {Opcode::truncate, "truncate", "x [s]", "dtype of x [s]", "rounded towards 0"},
    {Opcode::power, "power", "x [s], y [t]", "widest dtype [s, t broadcast]", "x^y"},
    {Opcode::remainder, "remainder", "x [s], y [t]", "widest dtype [s, t broadcast]",
     "of a division rounded towards 0"},
    {Opcode::less, "less", "x [s], y [t]", "mask [s, t broadcast]", "x < y"},
    {Opcode::less_equal, "less_equal", "x [s], y [t]", "mask [s, t broadcast]", "x <= y"},
    {Opcode::equal, "equal", "x [s], y [t]", "mask [s, t broadcast]", "x = y"},
    {Opcode::not_equal, "not_equal", "x [s], y [t]", "mask [s, t broadcast]", "x != y"},
    {Opcode::both, "both", "masks or integers x [s], y [t]", "dtype of x, y [s, t broadcast]", "x and y, bit by bit"},
    {Opcode::either, "either", "masks or integers x [s], y [t]", "dtype of x, y [s, t broadcast]",
     "x or y, bit by bit"},
    {Opcode::exclusive, "exclusive", "masks or integers x [s], y [t]", "dtype of x, y [s, t broadcast]",
     "one of x and y, bit by bit"},
    {Opcode::shift_left, "shift_left", "integers x [s], y [t]", "dtype of x, y [s, t broadcast]", "x 2^y, wrapping"},
    {Opcode::shift_right, "shift_right", "integers x [s], y [t]", "dtype of x, y [s, t broadcast]",
     "x / 2^y, down; of signed ones the sign stays"},
    {Opcode::bits, "bits", "x [s]", "another dtype of its size [s]", "the same bits"},
    {Opcode::reduce_max, "max", "x [s], an axis", "dtype of x [s, axis 1]",
     "greatest along the axis; NaN only where all are"},
    {Opcode::reduce_sum, "sum", "x [s], an axis", "dtype of x [s, axis 1]", "sum along the axis, in f32"},
    {Opcode::softmax, "softmax", "x [s]", "dtype of x [s]", "along the last axis; a row of -inf becomes 0"},
    {Opcode::reduce_min, "min", "x [s], an axis", "dtype of x [s, axis 1]",
     "least along the axis; NaN only where all are"},
    {Opcode::argmax, "argmax", "x [s], an axis", "i32 [s, axis 1]", "the first index of max"},
    {Opcode::argmin, "argmin", "x [s], an axis", "i32 [s, axis 1]", "the first index of min"},
    {Opcode::cumsum, "cumsum", "x [s], an axis", "dtype of x [s]", "running sum along the axis"},
    {Opcode::load, "load", "a place in a tensor, a shape", "the tensor's dtype [s]",
     "HBM of any PE to SRAM, over a network that it may name"},
    {Opcode::store, "store", "a place in a tensor, x [s] of its dtype", "none",
     "SRAM to HBM of any PE, over a network that it may name"},
    {Opcode::send, "send", "a PE or direction, x [s]", "none",
     "a message, over a network that it may name; x stays until it has left"},
    {Opcode::multicast, "multicast", "PEs, x [s]", "none",
     "one message to all, copied by routers that can; else as many sends"},
    {Opcode::receive, "recv", "a PE or direction, a shape, a dtype", "that dtype [s]",
     "the next message of that PE, in the order of its sends"},
};
// A command that is not described, or not in its place, does not compile.
static_assert(std::size(table) == opcode_count);
static_assert([] {
    for (int i = 0; i < opcode_count; ++i) {
        const CommandEntry& entry = table[i];
        if (static_cast<int>(entry.op) != i) return false;
        if (entry.name.empty() || entry.operands.empty() || entry.result.empty() || entry.meaning.empty())
            return false;
    }
    return true;
}());

}  // namespace

std::span<const CommandEntry> command_table() { return table; }

std::string_view name_of(EngineKind kind) {
    constexpr std::string_view names[] = {"matrix", "vector", "dma_load", "dma_store", "send", "receive"};
    return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Opcode op) { return table[static_cast<std::size_t>(op)].name; }

}  // namespace tilemesh
