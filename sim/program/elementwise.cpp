// SPDX-License-Identifier: Apache-2.0
// Operations element by element: at once on scalars, integers and masks, as commands on tiles.
#include "sim/program/elementwise.h"

#include "sim/program/commands_of.h"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace tilemesh::program {
namespace {

constexpr bool compares(Op op) { return op >= Op::lt && op <= Op::ne; }
constexpr bool is_logic(Op op) {
    return op == Op::and_ || op == Op::or_ || op == Op::xor_ || op == Op::logical_and || op == Op::logical_or;
}

/// Lanes that a mask leaves out often divide by 0, whose result nobody asks for: all bits set. The least number
/// divided by -1 is itself, which C++ does not say.
template <class Number>
Number quotient(Number a, Number b) {
    if (b == 0) return static_cast<Number>(-1);
    if (std::is_signed_v<Number> && b == static_cast<Number>(-1))
        return static_cast<Number>(~static_cast<std::uint64_t>(a) + 1);
    return a / b;
}
template <class Number>
Number rest(Number a, Number b) {
    if (std::is_signed_v<Number> && b == static_cast<Number>(-1)) return 0;
    return b == 0 ? a : a % b;
}

/// Of the bits of numbers: `Number` says what is the larger one.
template <class Number>
IntegerFunction function_of(Op op) {
    using I = std::int64_t;
    using N = Number;
    switch (op) {
        case Op::floordiv:
            return [](I a, I b, I) { return static_cast<I>(quotient(static_cast<N>(a), static_cast<N>(b))); };
        case Op::mod:
            return [](I a, I b, I) { return static_cast<I>(rest(static_cast<N>(a), static_cast<N>(b))); };
        case Op::minimum:
            return [](I a, I b, I) { return static_cast<N>(a) < static_cast<N>(b) ? a : b; };
        case Op::maximum:
            return [](I a, I b, I) { return static_cast<N>(a) > static_cast<N>(b) ? a : b; };
        case Op::lt:
            return [](I a, I b, I) { return I{static_cast<N>(a) < static_cast<N>(b)}; };
        case Op::le:
            return [](I a, I b, I) { return I{static_cast<N>(a) <= static_cast<N>(b)}; };
        case Op::gt:
            return [](I a, I b, I) { return I{static_cast<N>(a) > static_cast<N>(b)}; };
        case Op::ge:
            return [](I a, I b, I) { return I{static_cast<N>(a) >= static_cast<N>(b)}; };
        case Op::and_:
            return [](I a, I b, I) { return a & b; };
        case Op::or_:
            return [](I a, I b, I) { return a | b; };
        case Op::xor_:
            return [](I a, I b, I) { return a ^ b; };
        case Op::shl:
            return
                [](I a, I b, I) { return b < 0 || b > 63 ? 0 : static_cast<I>(static_cast<std::uint64_t>(a) << b); };
        case Op::shr:
            return [](I a, I b, I) { return b < 0 || b > 63 ? 0 : static_cast<I>(static_cast<N>(a) >> b); };
        default:
            return nullptr;
    }
}

/// As an operand of an operation in an unsigned type: there a negative number is a large one.
Ref<IndexTile> in_type(const Ref<IndexTile>& x, Type type) {
    return is_unsigned(type) && !holds(type, x->least(), x->most()) ? cast(x, type) : x;
}

/// Are some of its numbers beyond 2^63? As sums over dimensions they may become so on the way from least to most.
bool beyond_signed(const IndexTile& x) { return x.least() < 0 || x.most() < 0; }

Ref<Mask> compared(Op op, const Ref<IndexTile>& a, const Ref<IndexTile>& b) {
    switch (op) {
        case Op::lt:
            return compare(Comparison::less, a, b);
        case Op::le:
            return compare(Comparison::less_equal, a, b);
        case Op::gt:
            return compare(Comparison::less, b, a);
        case Op::ge:
            return compare(Comparison::less_equal, b, a);
        case Op::eq:
            return compare(Comparison::equal, a, b);
        default:
            return compare(Comparison::not_equal, a, b);
    }
}

Mask::What joining(Op op) {
    if (op == Op::xor_) return Mask::What::exclusive;
    return op == Op::or_ || op == Op::logical_or ? Mask::What::either : Mask::What::both;
}

Value integral(Host& host, Op op, const Value& given_a, const Value& given_b) {
    const Value a = host.known(given_a), b = host.known(given_b);
    if (a.is_scalar() && b.is_scalar()) return scalar_binary(op, a, b);
    check_shapes(op, a, b);
    const bool masks = element_type(a) == Type::i1 && element_type(b) == Type::i1;
    if (op == Op::logical_and || op == Op::logical_or || (masks && is_logic(op)))
        return Host::of(join(joining(op), host.mask(a, "an operand"), host.mask(b, "an operand")));
    const Type type = type_for(op, a, b);
    // Whether a shift to the right brings in signs is for what is shifted to say.
    const Type left = op == Op::shr ? own_type(a) : type;
    const Ref<IndexTile> x = in_type(host.index(a), left), y = in_type(host.index(b), type);
    const bool orders = (compares(op) && op != Op::eq && op != Op::ne) || op == Op::floordiv || op == Op::mod ||
                        op == Op::minimum || op == Op::maximum || op == Op::shr;
    if (orders && left == Type::u64 && (beyond_signed(*x) || beyond_signed(*y))) {
        const std::array operands{x, y};
        const IntegerFunction function = function_of<std::uint64_t>(op);
        if (compares(op)) return Host::of(mask_of(combine(function, operands, Type::i1)));
        return Host::of(combine(function, operands, type));
    }
    if (compares(op)) return Host::of(compared(op, x, y));
    switch (op) {
        case Op::add:
            return Host::of(add(x, y, type));
        case Op::sub:
            return Host::of(subtract(x, y, type));
        case Op::mul:
            return Host::of(multiply(x, y, type));
        default: {
            const IntegerFunction function = function_of<std::int64_t>(op);
            if (!function) Host::complain("{} of integers is not supported", name_of(op));
            const std::array operands{x, y};
            return Host::of(combine(function, operands, type));
        }
    }
}

/// Of one that works element by element.
Opcode opcode_of(Op op) {
    const auto command = command_of(op);
    if (!command) Host::complain("{} is not supported for tiles that commands compute", name_of(op));
    return *command;
}

/// Does it give other bits for the same bits without a sign?
bool minds_sign(Op op) {
    return compares(op) || op == Op::minimum || op == Op::maximum || op == Op::floordiv || op == Op::mod ||
           op == Op::shr;
}

/// With at least one tile of the machine, or an integer tile that becomes one of floats.
Value commanded(Host& host, Op op, const Value& a, const Value& b) {
    check_shapes(op, a, b);
    Type type = type_for(op, a, b);
    if (type == Type::i1 && (op == Op::add || op == Op::sub)) op = Op::xor_;  // of one bit
    if ((op == Op::truediv || op == Op::fdiv) && !is_float(type)) type = Type::f32;
    const bool takes_bits = is_logic(op) && op != Op::logical_and && op != Op::logical_or;
    if ((takes_bits || op == Op::shl || op == Op::shr) && is_float(type))
        Host::complain("{} of {} and {}: floats have no bits here, cast them with bitcast=True", name_of(op),
                       describe(a), describe(b));
    const Type result = compares(op) || (is_logic(op) && !takes_bits) ? Type::i1 : type;
    const auto operand = [&](const Value& v) -> Host::Argument {
        const Type own = element_type(v);
        const bool may_be_negative = !v.is_scalar() && is_integer(own) && !is_unsigned(own);
        if (minds_sign(op) && is_unsigned(type) && may_be_negative) return {.made = host.tile(v, type)};
        return host.argument(v, type);
    };
    if (op == Op::floordiv && !is_float(type))
        return tile_value(host.vector(Opcode::divide, {operand(a), operand(b)}, type), type);
    if (op == Op::floordiv || op == Op::cdiv) {
        const Tile quotient = host.vector(Opcode::divide, {host.argument(a, type), host.argument(b, type)}, type);
        return tile_value(host.vector(op == Op::cdiv ? Opcode::ceil : Opcode::floor, {quotient}, type), type);
    }
    const Opcode opcode = opcode_of(op);
    const bool swapped = op == Op::gt || op == Op::ge;
    const Host::Argument x = operand(swapped ? b : a), y = operand(swapped ? a : b);
    return tile_value(host.vector(opcode, {x, y}, result), result);
}

}  // namespace

Type type_for(Op op, const Value& a, const Value& b) {
    const bool extreme = op == Op::minimum || op == Op::maximum;
    const auto own = [&](const Value& x) {
        const Type type = own_type(x);
        return extreme && type == Type::bf16 ? Type::f32 : type;
    };
    // Comparisons and extremes do not give a constant the type of what it meets.
    if (compares(op) || extreme) return promoted(own(a), own(b), false);
    return common_type(a, b, op == Op::truediv || op == Op::fdiv || op == Op::mod);
}

Type common_type(const Value& a, const Value& b, bool divides) {
    const Type x = element_type(a), y = element_type(b);
    if (a.is_constant() && b.is_constant()) return promoted(own_type(a), own_type(b), divides);
    if (a.is_constant()) return promoted_with_constant(y, a.kind() == Kind::floating, a.as_integer(), divides);
    if (b.is_constant()) return promoted_with_constant(x, b.kind() == Kind::floating, b.as_integer(), divides);
    return promoted(x, y, divides);
}

void check_shapes(Op op, const Value& a, const Value& b) {
    if (a.is_scalar() || b.is_scalar()) return;
    if (broadcast(shape_of(a), shape_of(b)).rank() < 0)
        Host::complain("{}: shapes {} and {} do not broadcast", name_of(op), shape_of(a).text(), shape_of(b).text());
}

Value binary(Host& host, Op op, const Value& a, const Value& b) {
    if (a.is_scalar() && b.is_scalar()) return scalar_binary(op, a, b);
    if (op == Op::cdiv && is_number(a) && is_number(b) && is_integer(common_type(a, b, false))) {
        // As Triton has it, every step in the operands' type.
        const Value sum = binary(host, Op::sub, binary(host, Op::add, a, b), Value::integer(1));
        return binary(host, Op::floordiv, sum, b);
    }
    if ((is_tile(a) && (is_tile(b) || b.is_scalar())) || (is_tile(b) && a.is_scalar()))
        return commanded(host, op, a, b);
    const auto points = [](const Value& v) { return v.kind() == Kind::pointer || v.kind() == Kind::pointers; };
    if (points(a) || points(b)) {
        if (op == Op::add) return points(a) ? add_to_pointer(host, a, b, 1) : add_to_pointer(host, b, a, 1);
        if (op == Op::sub && points(a) && !points(b)) return add_to_pointer(host, a, b, -1);
    }
    if (is_number(a) && is_number(b)) {
        if (!is_tile(a) && !is_tile(b) && is_integral(a) && is_integral(b) && op != Op::truediv && op != Op::fdiv)
            return integral(host, op, a, b);
        return commanded(host, op, a, b);
    }
    if (op == Op::eq || op == Op::ne) return Value::boolean(equal(host, a, b) == (op == Op::eq));
    if (op == Op::add && a.kind() == Kind::tuple && b.kind() == Kind::tuple) {
        std::vector<Value> items = a.as<Tuple>().items;
        items.insert(items.end(), b.as<Tuple>().items.begin(), b.as<Tuple>().items.end());
        return tuple_value(std::move(items));
    }
    Host::complain("{} of {} and {}", name_of(op), describe(a), describe(b));
}

Value unary(Host& host, Op op, const Value& given) {
    if (given.is_scalar()) return scalar_unary(op, given);
    if (op == Op::abs && is_number(given) && is_unsigned(element_type(given))) return given;
    if (given.kind() == Kind::index || given.kind() == Kind::mask ||
        (given.kind() == Kind::loaded &&
         (op == Op::neg || op == Op::invert || op == Op::logical_not || op == Op::abs))) {
        const Value a = host.known(given);
        if (a.is_scalar()) return scalar_unary(op, a);
        if (op == Op::logical_not || (op == Op::invert && element_type(a) == Type::i1))
            return Host::of(negation(host.mask(a, "an operand")));
        const Ref<IndexTile> x = host.index(a);
        if (op == Op::neg) return Host::of(subtract(filled(Shape(), 0, x->type), x, x->type));
        if (op == Op::invert) return Host::of(subtract(filled(Shape(), -1, x->type), x, x->type));
        if (op == Op::abs)
            return Host::of(combine([](std::int64_t i, std::int64_t, std::int64_t) { return i < 0 ? -i : i; },
                                    std::span(&x, 1), x->type));
    }
    if (!is_number(given)) Host::complain("{} of {}", name_of(op), describe(given));
    const Type own = element_type(given);
    const Type type = is_float(own) || op == Op::neg || op == Op::abs || op == Op::invert ? own : Type::f32;
    const Host::Argument x = host.argument(given, type);
    if (op == Op::neg) return tile_value(host.vector(Opcode::multiply, {x, tl::Operand::integer(-1)}, type), type);
    if (op == Op::invert || op == Op::logical_not) {
        if (own != Type::i1 && op == Op::invert) {
            if (is_float(own)) Host::complain("invert of {}", describe(given));
            return tile_value(host.vector(Opcode::exclusive, {x, tl::Operand::integer(wrapped(own, -1))}, own), own);
        }
        return tile_value(host.vector(Opcode::equal, {x, 0.0F}, Type::i1), Type::i1);
    }
    if (op == Op::sigmoid) {
        const Tile negative = host.vector(Opcode::multiply, {x, -1.0F}, type);
        const Tile power = host.vector(Opcode::exp, {negative}, type);
        const Tile sum = host.vector(Opcode::add, {power, 1.0F}, type);
        return tile_value(host.vector(Opcode::divide, {1.0F, sum}, type), type);
    }
    return tile_value(host.vector(opcode_of(op), {x}, type), type);
}

}  // namespace tilemesh::program
