// SPDX-License-Identifier: Apache-2.0
// Arithmetic of scalars, at once: constants as Python computes, typed numbers as C does.
#include "sim/program/elementwise.h"

#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

namespace tilemesh::program {
namespace {

constexpr bool compares(Op op) { return op >= Op::lt && op <= Op::ne; }

Value truth(bool value, bool constant) { return Value::integer(value ? 1 : 0, constant ? Type::constant : Type::i1); }

template <class Number>
bool compared(Op op, Number a, Number b) {
    switch (op) {
        case Op::lt:
            return a < b;
        case Op::le:
            return a <= b;
        case Op::gt:
            return a > b;
        case Op::ge:
            return a >= b;
        case Op::eq:
            return a == b;
        default:
            return a != b;
    }
}

template <class Number>
Number divided(Number a, Number b, bool floors, bool remainder) {
    if (b == 0) Host::complain("a division of {} by 0", a);
    if (std::is_signed_v<Number> && b == static_cast<Number>(-1)) {
        if (remainder) return 0;
        if (a == std::numeric_limits<Number>::min()) Host::complain("{} / -1 does not fit 64 bits", a);
        return -a;
    }
    const Number quotient = a / b, rest = a % b;
    const bool lower = floors && rest != 0 && (rest < 0) != (b < 0);
    if (remainder) return lower ? rest + b : rest;
    return lower ? quotient - 1 : quotient;
}

template <class Number>
Number power(Number base, Number exponent) {
    Number out = 1;
    const bool stays_small = base == 0 || base == 1 || (std::is_signed_v<Number> && base == static_cast<Number>(-1));
    if (stays_small && exponent > 2) exponent = 2 - exponent % 2;  // it may be any number
    for (; exponent > 0; --exponent)
        if (__builtin_mul_overflow(out, base, &out)) Host::complain("a power of {} does not fit 64 bits", base);
    return out;
}

template <class Number>
Number shifted(Number a, Number b, bool left) {
    if (static_cast<std::uint64_t>(b) > 63) Host::complain("a shift by {}, expected 0 to 63", b);
    return left ? static_cast<Number>(static_cast<std::uint64_t>(a) << b) : static_cast<Number>(a >> b);
}

/// In 64 bits; nothing when the result does not fit (constants, which do not wrap).
template <class Number>
std::optional<Number> computed(Op op, Number a, Number b, bool constant) {
    Number out = 0;
    bool overflows = false;
    switch (op) {
        case Op::add:
            overflows = __builtin_add_overflow(a, b, &out);
            break;
        case Op::sub:
            overflows = __builtin_sub_overflow(a, b, &out);
            break;
        case Op::mul:
            overflows = __builtin_mul_overflow(a, b, &out);
            break;
        case Op::floordiv:
            return divided(a, b, constant, false);
        case Op::mod:
            return divided(a, b, constant, true);
        case Op::pow:
            return power(a, b);
        case Op::minimum:
            return std::min(a, b);
        case Op::maximum:
            return std::max(a, b);
        case Op::and_:
            return a & b;
        case Op::or_:
            return a | b;
        case Op::xor_:
            return a ^ b;
        case Op::shl:
            return shifted(a, b, true);
        case Op::shr:
            return shifted(a, b, false);
        default:
            Host::complain("{} of integers", name_of(op));
    }
    if (overflows && constant) return {};
    return out;
}

/// In the type given, `constant` or what the two have become; `Number` has its numbers.
template <class Number>
Value of_integers(Op op, const Value& a, const Value& b, Type type) {
    const bool constant = type == Type::constant;
    // Whether a shift to the right brings in signs is for what is shifted to say.
    const auto x = static_cast<Number>(op == Op::shr ? a.as_integer() : wrapped(type, a.as_integer()));
    const auto y = static_cast<Number>(wrapped(type, b.as_integer()));
    if (compares(op)) return truth(compared(op, x, y), constant);
    const auto value = computed(op, x, y, constant);
    if (!value) Host::complain("{} of {} and {} does not fit 64 bits", name_of(op), x, y);
    return Value::integer(wrapped(type, static_cast<std::int64_t>(*value)), type);
}

Value floating(double value, Type type) {
    if (type == Type::constant) return Value::floating(value);
    return Value::floating(round_to(dtype_of(type), static_cast<float>(value)), type);
}

double computed(Op op, double a, double b, bool constant) {
    switch (op) {
        case Op::add:
            return a + b;
        case Op::sub:
            return a - b;
        case Op::mul:
            return a * b;
        case Op::truediv:
        case Op::fdiv:
            return a / b;
        case Op::floordiv:
            return std::floor(a / b);
        case Op::mod:
            return constant ? a - b * std::floor(a / b) : std::fmod(a, b);
        case Op::pow:
            return std::pow(a, b);
        case Op::minimum:
            return std::fmin(a, b);
        case Op::maximum:
            return std::fmax(a, b);
        default:
            Host::complain("{} of floats", name_of(op));
    }
}

}  // namespace

Value scalar_binary(Op op, const Value& a, const Value& b) {
    const bool constant = a.is_constant() && b.is_constant();
    if (op == Op::logical_and) return truth(a.is_true() && b.is_true(), constant);
    if (op == Op::logical_or) return truth(a.is_true() || b.is_true(), constant);
    const bool integers = a.kind() == Kind::integer && b.kind() == Kind::integer;
    if (integers && op == Op::cdiv)  // as Triton's library has it, wrapping where that wraps
        return scalar_binary(Op::floordiv, scalar_binary(Op::add, a, scalar_binary(Op::sub, b, Value::integer(1))),
                             b);
    Type type = constant ? Type::constant : type_for(op, a, b);
    if (integers && op != Op::truediv && op != Op::fdiv && !(op == Op::pow && b.as_integer() < 0)) {
        const bool large = (op == Op::shr ? a.type() : type) == Type::u64;
        return large ? of_integers<std::uint64_t>(op, a, b, type) : of_integers<std::int64_t>(op, a, b, type);
    }
    if (constant && b.as_floating() == 0.0 && (op == Op::truediv || op == Op::floordiv || op == Op::mod))
        Host::complain("a division of {} by 0", a.as_floating());
    if (integers && !constant) type = Type::f32;
    const double x = floating(a.as_floating(), type).as_floating(), y = floating(b.as_floating(), type).as_floating();
    if (compares(op)) return truth(compared(op, x, y), constant);
    return floating(computed(op, x, y, constant), type);
}

Value scalar_unary(Op op, const Value& a) {
    const bool constant = a.is_constant();
    if (a.kind() == Kind::integer) {
        switch (op) {
            case Op::neg:
                return scalar_binary(Op::sub, Value::integer(0, a.type()), a);
            case Op::abs:
                return a.as_integer() < 0 && !is_unsigned(a.type()) ? scalar_unary(Op::neg, a) : a;
            case Op::invert:
                if (a.type() == Type::i1) return Value::integer(1 - a.as_integer(), Type::i1);
                return Value::integer(wrapped(a.type(), ~a.as_integer()), a.type());
            case Op::floor:
            case Op::ceil:
                return a;
            default:
                break;
        }
    }
    if (op == Op::logical_not) return truth(!a.is_true(), constant);
    const double x = a.as_floating();
    const Type type = constant ? Type::constant : is_float(a.type()) ? a.type() : Type::f32;
    switch (op) {
        case Op::neg:
            return floating(-x, type);
        case Op::abs:
            return floating(std::fabs(x), type);
        case Op::exp:
            return floating(std::exp(x), type);
        case Op::exp2:
            return floating(std::exp2(x), type);
        case Op::log:
            return floating(std::log(x), type);
        case Op::log2:
            return floating(std::log2(x), type);
        case Op::sqrt:
            return floating(std::sqrt(x), type);
        case Op::rsqrt:
            return floating(1.0 / std::sqrt(x), type);
        case Op::sin:
            return floating(std::sin(x), type);
        case Op::cos:
            return floating(std::cos(x), type);
        case Op::erf:
            return floating(std::erf(x), type);
        case Op::floor:
            return floating(std::floor(x), type);
        case Op::ceil:
            return floating(std::ceil(x), type);
        case Op::tanh:
            return floating(std::tanh(x), type);
        case Op::sigmoid:
            return floating(1.0 / (1.0 + std::exp(-x)), type);
        default:
            Host::complain("{} of {}", name_of(op), describe(a));
    }
}

}  // namespace tilemesh::program
