// SPDX-License-Identifier: Apache-2.0
// Arithmetic of scalars, at once: constants as Python computes, typed numbers as C does.
#include "sim/program/host.h"

#include <cmath>
#include <optional>

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

std::int64_t divided(std::int64_t a, std::int64_t b, bool floors, bool remainder) {
    if (b == 0) Host::complain("a division of {} by 0", a);
    if (b == -1) {
        if (remainder) return 0;
        if (a == std::numeric_limits<std::int64_t>::min()) Host::complain("{} / -1 does not fit 64 bits", a);
        return -a;
    }
    const std::int64_t quotient = a / b, rest = a % b;
    const bool lower = floors && rest != 0 && (rest < 0) != (b < 0);
    if (remainder) return lower ? rest + b : rest;
    return lower ? quotient - 1 : quotient;
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
    std::int64_t out = 1;
    for (; exponent > 0; --exponent)
        if (__builtin_mul_overflow(out, base, &out)) Host::complain("a power of {} does not fit 64 bits", base);
    return out;
}

std::int64_t shifted(std::int64_t a, std::int64_t b, bool left) {
    if (b < 0 || b > 63) Host::complain("a shift by {}, expected 0 to 63", b);
    return left ? static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << b) : a >> b;
}

/// In 64 bits; nothing when the result does not fit (constants, which do not wrap).
std::optional<std::int64_t> computed(Op op, std::int64_t a, std::int64_t b, bool constant) {
    std::int64_t out = 0;
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
        case Op::cdiv:
            return divided(a + b - 1, b, constant, false);
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

Type type_with(const Value& a, const Value& b, bool divides) {
    if (a.is_constant()) return promoted_with_constant(b.type(), a.kind() == Kind::floating, a.as_integer(), divides);
    if (b.is_constant()) return promoted_with_constant(a.type(), b.kind() == Kind::floating, b.as_integer(), divides);
    return promoted(a.type(), b.type(), divides);
}

Value floating(double value, Type type) {
    if (type == Type::constant) return Value::floating(value);
    return Value::floating(round_to(dtype_of(type), static_cast<float>(value)), type);
}

double computed(Op op, double a, double b) {
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
            return a - b * std::floor(a / b);
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
    const bool divides = op == Op::truediv || op == Op::mod || op == Op::fdiv;
    if (integers && compares(op)) return truth(compared(op, a.as_integer(), b.as_integer()), constant);
    if (compares(op)) return truth(compared(op, a.as_floating(), b.as_floating()), constant);
    if (integers && op != Op::truediv && op != Op::fdiv && !(op == Op::pow && b.as_integer() < 0)) {
        const auto value = computed(op, a.as_integer(), b.as_integer(), constant);
        if (!value)
            Host::complain("{} of {} and {} does not fit 64 bits", name_of(op), a.as_integer(), b.as_integer());
        if (constant) return Value::integer(*value);
        const Type type = type_with(a, b, false);
        return Value::integer(wrapped(type, *value), type);
    }
    if (constant && b.as_floating() == 0.0 && (op == Op::truediv || op == Op::floordiv || op == Op::mod))
        Host::complain("a division of {} by 0", a.as_floating());
    const Type type = constant ? Type::constant : integers ? Type::f32 : type_with(a, b, divides);
    return floating(computed(op, a.as_floating(), b.as_floating()), type);
}

Value scalar_unary(Op op, const Value& a) {
    const bool constant = a.is_constant();
    if (a.kind() == Kind::integer) {
        switch (op) {
            case Op::neg:
                if (constant) return scalar_binary(Op::sub, Value::integer(0), a);
                return Value::integer(wrapped(a.type(), -a.as_integer()), a.type());
            case Op::abs:
                return a.as_integer() < 0 ? scalar_unary(Op::neg, a) : a;
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
