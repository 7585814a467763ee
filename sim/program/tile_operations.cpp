// SPDX-License-Identifier: Apache-2.0
// Tiles from nothing, reductions, the matrix engine.
#include "sim/program/commands_of.h"
#include "sim/program/host.h"

#include <algorithm>

namespace tilemesh::program {
namespace {

int axis_of(Host& host, const Value& axis, const Shape& shape) {
    const std::int64_t given = host.integer(axis, "an axis");
    const std::int64_t counted = given < 0 ? given + shape.rank() : given;
    if (counted < 0 || counted >= shape.rank()) Host::complain("axis {} does not exist in {}", given, shape.text());
    return static_cast<int>(counted);
}

Shape without(const Shape& shape, int axis) {
    std::array<std::int32_t, 3> slots{1, 1, 1};
    int to = 2;
    for (int i = shape.rank() - 1; i >= 0; --i)
        if (i != axis) slots[static_cast<std::size_t>(to--)] = shape.dim(i);
    return Shape(shape.rank() - 1, slots);
}

/// Reductions of what is known at once.
Value reduced_at_once(Host& host, Op op, const Value& x, int axis, bool keeps) {
    const Ref<IndexTile> in = host.index(x);
    const Shape& shape = in->shape;
    auto dims = shape.slots();
    const auto slot = static_cast<std::size_t>(shape.slot_of(axis));
    const std::int64_t count = dims[slot];
    const bool scans = op == Op::cumsum;
    // In the order of the type: u64 has no sign.
    const std::uint64_t sign = in->type == Type::u64 ? 0 : std::uint64_t{1} << 63;
    const auto place = [&](std::int64_t number) { return static_cast<std::uint64_t>(number) ^ sign; };
    if (!scans) dims[slot] = 1;
    const Shape kept(shape.rank(), dims);
    std::vector<std::int64_t> numbers;
    for (std::int64_t b = 0; b < dims[0]; ++b)
        for (std::int64_t r = 0; r < dims[1]; ++r)
            for (std::int64_t c = 0; c < dims[2]; ++c) {
                std::array<std::int64_t, 3> at{b, r, c};
                const std::int64_t last = scans ? at[slot] + 1 : count;
                std::int64_t value = 0, best = 0;
                for (std::int64_t i = 0; i < last; ++i) {
                    at[slot] = i;
                    const std::int64_t number = in->at(at[0], at[1], at[2]);
                    const bool first = i == 0;
                    if (op == Op::sum || scans) {
                        value += number;
                    } else if (first || (op == Op::max || op == Op::argmax ? place(number) > place(value)
                                                                           : place(number) < place(value))) {
                        value = number;
                        best = i;
                    }
                }
                numbers.push_back(op == Op::argmax || op == Op::argmin ? best : value);
            }
    const bool narrow = bits_of(in->type) < 32, sums = op == Op::sum || scans;
    const Type type = op == Op::argmax || op == Op::argmin || (narrow && !sums) ? Type::i32
                      : narrow ? (is_unsigned(in->type) ? Type::u32 : Type::i32)
                               : in->type;
    for (std::int64_t& number : numbers) number = wrapped(type, number);
    return Host::of(tabled(keeps || scans ? kept : without(kept, axis), std::move(numbers), type));
}

Value reduced_by_command(Host& host, Op op, const Value& x, int axis, bool keeps) {
    const Type own = element_type(x);
    // Narrow integers become 32 bits wide, extremes of 16-bit floats are f32, and running sums of bf16, as Triton has
    // it.
    Type in = own, out = own;
    const bool sums = op == Op::sum || op == Op::cumsum;
    if (bits_of(own) < 32) {
        if (is_integer(own)) in = out = sums && is_unsigned(own) ? Type::u32 : Type::i32;
        if (is_float(own) && (!sums || (own == Type::bf16 && op == Op::cumsum))) in = out = Type::f32;
    }
    if (op == Op::argmax || op == Op::argmin) out = Type::i32;
    // The engine works in f32 inside; only the result's type is another one.
    Tile tile = is_integer(own) && own != in ? host.vector(Opcode::cast, {host.argument(x, own)}, in) : tile_of(x);
    tile = host.tl.reduce(command_of(op).value(), tile, axis, dtype_of(out));
    if (!keeps && op != Op::cumsum) tile = host.tl.reshape(tile, without(tile.shape(), axis));
    return tile_value(tile, out);
}

Value reduced(Host& host, Op op, const Value& x, int axis, bool keeps) {
    if (is_tile(x)) return reduced_by_command(host, op, x, axis, keeps);
    return reduced_at_once(host, op, x, axis, keeps);
}

}  // namespace

Value fill(Host& host, const Value& shape, const Value& value, const Value& dtype) {
    const Type type = host.type(dtype);
    const Shape dims = host.shape(shape);
    if (is_tile(value)) return tile_value(host.tl.broadcast_to(host.tile(value, type), dims), type);
    const Value number = host.known(value);
    if (!number.is_scalar()) Host::complain("full of {}", describe(value));
    if (is_integer(type)) {
        const Ref<IndexTile> all = filled(dims, cast(host, number, type).as_integer(), type);
        return type == Type::i1 ? Host::of(mask_of(all)) : Host::of(all);
    }
    return tile_value(host.tl.full(dims, number.as_float(), dtype_of(type)), type);
}

Value zeros_like(Host& host, const Value& x) {
    const Shape shape = shape_of(x);
    std::vector<Value> dims;
    for (int i = 0; i < shape.rank(); ++i) dims.push_back(Value::integer(shape.dim(i)));
    return fill(host, tuple_value(std::move(dims)), Value::integer(0), Value::dtype(element_type(x)));
}

Value reduction(Host& host, Op op, std::span<const Value* const> a) {
    const Value& given = *a[0];
    if (!is_number(given)) Host::complain("{} of {}", name_of(op), describe(given));
    Value x = is_tile(given) ? given : host.known(given);
    const bool has_indices = op == Op::max || op == Op::min;
    const bool keeps = op != Op::cumsum && host.truth(*a[has_indices ? 4 : op == Op::sum ? 2 : 3], "keep_dims");
    // Integers are added up in 32 bits or more, which is the same but for what the dtype does not hold in the end.
    const auto in_dtype = [&](const Value& value) {
        return op == Op::sum && !a[3]->is_none() ? cast(host, value, host.type(*a[3])) : value;
    };
    x = in_dtype(x);
    if (op == Op::cumsum && host.truth(*a[2], "reverse")) Host::complain("cumsum with reverse is not supported");
    if (x.is_scalar()) return x;
    const Shape shape = shape_of(x);
    if (shape.rank() == 0) return x;
    if (a[1]->is_none()) {
        // All elements: as one row where they lie in order, else one axis after the other.
        for (int i = shape.rank() - 1; i >= 0; --i) x = in_dtype(reduced(host, op, x, i, true));
        if (keeps) return x;
        return reshape(host, x, tuple_value({}));
    }
    const int axis = axis_of(host, *a[1], shape);
    if (has_indices && host.truth(*a[2], "return_indices")) {
        const Op index = op == Op::max ? Op::argmax : Op::argmin;
        return tuple_value({reduced(host, op, x, axis, keeps), reduced(host, index, x, axis, keeps)});
    }
    return in_dtype(reduced(host, op, x, axis, keeps));
}

Value softmax(Host& host, const Value& x, const Value& axis) {
    if (!is_tile(x)) Host::complain("softmax of {}", describe(x));
    const Shape shape = shape_of(x);
    const int along = axis.is_none() ? shape.rank() - 1 : axis_of(host, axis, shape);
    if (along == shape.rank() - 1) return tile_value(host.tl.softmax(tile_of(x)), element_type(x));
    // The engine's own command is for rows.
    const Value most = reduced(host, Op::max, x, along, true);
    const Value powers = unary(host, Op::exp, binary(host, Op::sub, x, most));
    const Value sum = reduced(host, Op::sum, powers, along, true);
    return cast(host, binary(host, Op::truediv, powers, sum), element_type(x));
}

Value dot(Host& host, std::span<const Value* const> a) {
    const Value &x = *a[0], &y = *a[1], &acc = *a[2];
    for (const Value* operand : {&x, &y})
        if (operand->kind() != Kind::tile && operand->kind() != Kind::loaded && operand->kind() != Kind::index &&
            operand->kind() != Kind::mask)
            Host::complain("dot of {}", describe(*operand));
    Type own = element_type(x), other = element_type(y);
    const bool integers = is_integer(own) || is_integer(other);
    // Probabilities in f32 meet values in 16 bits: the matrix engine takes them as the latter.
    if (own == Type::f32 && bits_of(other) == 16 && is_float(other)) own = other;
    if (other == Type::f32 && bits_of(own) == 16 && is_float(own)) other = own;
    if (own != other && !(bits_of(own) == 8 && bits_of(other) == 8))
        Host::complain(
            "dot of {} and {}: both must have one dtype, or one be f32 and the other of 16 bits, or both of 8",
            describe(x), describe(y));
    Tile made_left, made_right, made_sum;
    const Tile &left = host.tile(x, own, made_left), &right = host.tile(y, other, made_right);
    Type out = integers ? Type::i32 : host.type(*a[6]);
    Tile product;
    if (acc.is_none() || (acc.is_scalar() && acc.as_floating() == 0.0)) {
        product = host.tl.dot(left, right);
    } else {
        if (!is_number(acc) || acc.is_scalar()) Host::complain("dot with the accumulator {}", describe(acc));
        out = element_type(acc);
        product = host.tl.dot(left, right, host.tile(acc, Type::f32, made_sum));
    }
    if (out == Type::f32) return tile_value(product, out);
    return tile_value(host.vector(Opcode::cast, {product}, out), out);
}

}  // namespace tilemesh::program
