// SPDX-License-Identifier: Apache-2.0
// Do numbers of programs behave as their language says: constants as Python's, typed ones as C's and Triton's?
#include "sim/program/host.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tilemesh::program {
namespace {

Value constant(std::int64_t n) { return Value::integer(n); }
Value typed(std::int64_t n, Type type = Type::i32) { return Value::integer(n, type); }

}  // namespace

TEST_CASE("constants divide as Python does, typed integers as C does") {
    for (std::int64_t a = -7; a <= 7; ++a)
        for (const std::int64_t b : {-3, -2, 2, 3}) {
            const auto floor = static_cast<std::int64_t>(std::floor(static_cast<double>(a) / static_cast<double>(b)));
            CHECK(scalar_binary(Op::floordiv, constant(a), constant(b)).as_integer() == floor);
            CHECK(scalar_binary(Op::mod, constant(a), constant(b)).as_integer() == a - b * floor);
            CHECK(scalar_binary(Op::floordiv, typed(a), typed(b)).as_integer() == a / b);
            CHECK(scalar_binary(Op::mod, typed(a), constant(b)).as_integer() == a % b);
        }
    CHECK(scalar_binary(Op::truediv, constant(1), constant(4)).as_floating() == 0.25);
    CHECK(scalar_binary(Op::truediv, typed(1), typed(3)).type() == Type::f32);
    CHECK_THROWS_AS(scalar_binary(Op::floordiv, typed(1), typed(0)), KernelError);
    CHECK_THROWS_AS(scalar_binary(Op::truediv, constant(1), constant(0)), KernelError);
}

TEST_CASE("powers of units take any exponent, and others end where they do not fit") {
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();  // odd
    const auto power = [](std::int64_t base, std::int64_t exponent) {
        return scalar_binary(Op::pow, constant(base), constant(exponent)).as_integer();
    };
    CHECK(power(1, most) == 1);
    CHECK(power(-1, most) == -1);
    CHECK(power(-1, most - 1) == 1);
    CHECK(power(0, most) == 0);
    CHECK(power(0, 0) == 1);
    CHECK(power(-3, 5) == -243);
    CHECK(power(-2, 63) == std::numeric_limits<std::int64_t>::min());
    CHECK_THROWS_AS(power(2, 63), KernelError);
}

TEST_CASE("types meet as Triton's semantics say") {
    CHECK(promoted(Type::i32, Type::i64, false) == Type::i64);
    CHECK(promoted(Type::i32, Type::u32, false) == Type::u32);
    CHECK(promoted(Type::i64, Type::f16, false) == Type::f16);
    CHECK(promoted(Type::f16, Type::f32, false) == Type::f32);
    CHECK(promoted(Type::f16, Type::f16, false) == Type::f16);
    CHECK(promoted(Type::f16, Type::f16, true) == Type::f32);
    CHECK(promoted(Type::bf16, Type::bf16, true) == Type::f32);
    CHECK(promoted(Type::f16, Type::bf16, false) == Type::f16);
    CHECK(promoted(Type::i32, Type::bf16, false) == Type::f32);
    CHECK(promoted_with_constant(Type::f16, true, 0, false) == Type::f16);
    CHECK(promoted_with_constant(Type::f16, false, 3, false) == Type::f16);
    CHECK(promoted_with_constant(Type::i32, true, 0, false) == Type::f32);
    CHECK(promoted_with_constant(Type::i64, false, 3, false) == Type::i64);
}

TEST_CASE("typed integers wrap, constants complain, floats round to their type") {
    CHECK(scalar_binary(Op::mul, typed(1 << 20), typed(1 << 12)).as_integer() == 0);
    CHECK(scalar_binary(Op::add, typed(127, Type::i8), constant(1)).as_integer() == -128);
    CHECK_THROWS_AS(scalar_binary(Op::mul, constant(std::int64_t{1} << 40), constant(std::int64_t{1} << 40)),
                    KernelError);
    const Value third = scalar_binary(Op::truediv, Value::floating(1.0, Type::f32), constant(3));
    CHECK(third.as_floating() == static_cast<double>(1.0F / 3.0F));
    CHECK(scalar_binary(Op::add, Value::floating(1.0, Type::f16), Value::floating(1e-4, Type::f16)).as_floating() ==
          1.0);
}

TEST_CASE("scalars of u64 go to 2^64, and a constant takes the type of what it meets only where Triton lets it") {
    const Value large = typed(std::numeric_limits<std::int64_t>::min() + 5, Type::u64);  // 2^63 + 5
    const Value seven = typed(7, Type::u64);
    CHECK(scalar_unary(Op::abs, large).as_integer() == large.as_integer());
    CHECK(scalar_binary(Op::maximum, seven, large).as_integer() == large.as_integer());
    CHECK(scalar_binary(Op::shr, large, constant(1)).as_integer() == (std::int64_t{1} << 62) + 2);
    CHECK(scalar_unary(Op::neg, typed(3, Type::u64)).as_integer() == -3);
    CHECK(scalar_binary(Op::eq, typed(-7), constant(0xFFFFFFF9)).is_true());
    CHECK_FALSE(scalar_binary(Op::lt, typed(-7), typed(5, Type::u32)).is_true());
    const Value tenth = Value::floating(static_cast<double>(0.1F), Type::f32);
    CHECK(scalar_binary(Op::eq, tenth, Value::floating(0.1)).is_true());
    CHECK(scalar_binary(Op::eq, scalar_binary(Op::add, constant(0), tenth), tenth).is_true());
    CHECK(scalar_binary(Op::mod, Value::floating(-7.5, Type::f32), constant(3)).as_floating() == -1.5);
    CHECK(scalar_binary(Op::mod, Value::floating(-7.5), constant(3)).as_floating() == 1.5);  // as Python does
}

}  // namespace tilemesh::program
