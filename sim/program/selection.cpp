// SPDX-License-Identifier: Apache-2.0
// One of two values, values within bounds, values as another type.
#include "sim/program/elementwise.h"
#include "sim/tile/integers.h"

#include <cmath>
#include <utility>

namespace tilemesh::program {

Value where(Host& host, const Value& given, const Value& x, const Value& y) {
    if (x.kind() == Kind::pointers && y.kind() == Kind::pointers && is_number(given)) {
        const auto name = [](const Value& p) { return static_cast<Array&>(*p.as<IndexTile>().array).name(); };
        if (x.as<IndexTile>().array.get() != y.as<IndexTile>().array.get())
            Host::complain(
                "where of pointers into {} and into {}: a tile of pointers is into one tensor; load from "
                "both, each under its mask, and choose among the values",
                name(x), name(y));
        const std::array operands{numbers_of(host.mask(given, "a condition")), x.ref<IndexTile>(),
                                  y.ref<IndexTile>()};
        const Ref<IndexTile> chosen = combine(
            [](std::int64_t c, std::int64_t a, std::int64_t b) { return c != 0 ? a : b; }, operands, Type::i64);
        chosen->array = x.as<IndexTile>().array;
        return Value::object(Kind::pointers, x.type(), chosen);
    }
    if (!is_number(x) || !is_number(y) || !is_number(given))
        Host::complain("where of {}, {} and {}", describe(given), describe(x), describe(y));
    const Value condition = is_tile(given) ? given : host.known(given);
    if (condition.is_scalar() && x.is_scalar() && y.is_scalar()) {
        const Value& chosen = condition.is_true() ? x : y;
        return x.is_constant() && y.is_constant() ? chosen : cast(host, chosen, common_type(x, y, false));
    }
    for (const auto& [a, b] : {std::pair(&condition, &x), std::pair(&condition, &y), std::pair(&x, &y)})
        check_shapes(Op::where, *a, *b);
    const Type type = common_type(x, y, false);
    if (!is_tile(condition) && is_integral(x) && is_integral(y) && !is_tile(x) && !is_tile(y)) {
        const std::array operands{host.index(condition), host.index(x), host.index(y)};
        const Ref<IndexTile> chosen =
            combine([](std::int64_t c, std::int64_t a, std::int64_t b) { return c != 0 ? a : b; }, operands, type);
        return type == Type::i1 ? Host::of(mask_of(chosen)) : Host::of(chosen);
    }
    Tile mask;
    if (condition.is_scalar()) {
        mask = host.tl.full(Shape(), condition.is_true() ? 1.0F : 0.0F, Dtype::mask);
    } else if (is_tile(condition) && element_type(condition) != Type::i1) {
        mask = host.vector(Opcode::not_equal, {host.argument(condition, Type::f32), 0.0F}, Type::i1);
    } else {
        mask = host.tile(is_tile(condition) ? condition : Host::of(host.mask(condition, "a condition")), Type::i1);
    }
    return tile_value(host.vector(Opcode::where, {mask, host.argument(x, type), host.argument(y, type)}, type), type);
}

Value fma(Host& host, const Value& x, const Value& y, const Value& z) {
    if (!is_tile(x) && !is_tile(y) && !is_tile(z)) return binary(host, Op::add, binary(host, Op::mul, x, y), z);
    check_shapes(Op::fma, x, y);
    check_shapes(Op::fma, x, z);
    const Type product = common_type(x, y, false);
    const Type type = z.is_constant() ? product : promoted(product, element_type(z), false);
    return tile_value(
        host.vector(Opcode::fma, {host.argument(x, type), host.argument(y, type), host.argument(z, type)}, type),
        type);
}

Value clamp(Host& host, const Value& x, const Value& low, const Value& high) {
    // In this order: what is no number becomes the upper bound, as on GPUs.
    return binary(host, Op::maximum, binary(host, Op::minimum, x, high), low);
}

Value cast(Host& host, const Value& given, Type type) {
    if (!is_number(given)) Host::complain("cast of {} to {}", describe(given), name_of(type));
    const bool waits = given.kind() == Kind::loaded && is_integer(type);
    const Value x = waits ? host.known(given) : given;
    if (x.is_scalar()) {
        if (is_float(type)) return Value::floating(round_to(dtype_of(type), x.as_float()), type);
        if (type == Type::i1) return Value::integer(x.is_true() ? 1 : 0, type);
        if (x.kind() == Kind::integer) return Value::integer(wrapped(type, x.as_integer()), type);
        if (x.is_constant() && !(std::fabs(x.as_floating()) < 0x1p63))
            Host::complain("cast of {} to {}", x.as_floating(), name_of(type));
        return Value::integer(truncated(type, x.as_floating()), type);
    }
    if (element_type(x) == type && x.kind() != Kind::loaded) return x;
    if (!is_tile(x) && x.kind() != Kind::loaded && is_integer(type)) {
        if (type == Type::i1) return Host::of(host.mask(x, "an operand"));
        return Host::of(cast(host.index(x), type));
    }
    if (!is_tile(x) && x.kind() != Kind::loaded) return tile_value(host.tile(x, type), type);
    if (type == Type::i1)
        return tile_value(host.vector(Opcode::not_equal, {host.argument(x, Type::f32), 0.0F}, type), type);
    const bool cuts = is_float(element_type(x)) && is_integer(type);
    return tile_value(host.vector(cuts ? Opcode::truncate : Opcode::cast, {host.argument(x, element_type(x))}, type),
                      type);
}

Value bitcast(Host& host, const Value& given, Type type) {
    if (!is_number(given)) Host::complain("bitcast of {} to {}", describe(given), name_of(type));
    const Type from = own_type(given);
    if (from == type) return given;
    if (bits_of(from) != bits_of(type))
        Host::complain("bitcast of {} to {}: {} bits are not {}", describe(given), name_of(type), bits_of(from),
                       bits_of(type));
    const Value x = host.known(given);
    if (is_integer(from) && is_integer(type)) return cast(host, x, type);
    if (x.kind() == Kind::floating)
        return Value::integer(
            wrapped(type, tilemesh::bits_of(dtype_of(from), round_to(dtype_of(from), x.as_float()))), type);
    if (x.kind() == Kind::integer) return Value::floating(float_of_bits(dtype_of(type), x.as_integer()), type);
    return tile_value(host.vector(Opcode::bits, {host.tile(x, from)}, type), type);
}

}  // namespace tilemesh::program
