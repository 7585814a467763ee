// SPDX-License-Identifier: Apache-2.0
#include "sim/program/scalar.h"

#include "sim/base/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tilemesh::program {
namespace {

struct TypeRow {
    std::string_view name;
    int bits;
    Dtype dtype;
};
constexpr std::array<TypeRow, type_count> rows = {{
    {"constant", 64, Dtype::f32},
    {"i1", 1, Dtype::mask},
    {"i8", 8, Dtype::i8},
    {"i16", 16, Dtype::i16},
    {"i32", 32, Dtype::i32},
    {"i64", 64, Dtype::i64},
    {"u8", 8, Dtype::u8},
    {"u16", 16, Dtype::u16},
    {"u32", 32, Dtype::u32},
    {"u64", 64, Dtype::u64},
    {"f8e4m3", 8, Dtype::f8e4m3},
    {"f8e5m2", 8, Dtype::f8e5m2},
    {"f16", 16, Dtype::f16},
    {"bf16", 16, Dtype::bf16},
    {"f32", 32, Dtype::f32},
}};
const TypeRow& row(Type type) { return rows[static_cast<std::size_t>(type)]; }

}  // namespace

std::string_view name_of(Type type) { return row(type).name; }

std::optional<Type> type_from_name(std::string_view name) {
    for (int i = 1; i < type_count; ++i)
        if (rows[static_cast<std::size_t>(i)].name == name) return static_cast<Type>(i);
    return {};
}

int bits_of(Type type) { return row(type).bits; }
Dtype dtype_of(Type type) { return row(type).dtype; }

Type type_of(Dtype dtype) {
    for (int i = 1; i < type_count; ++i)
        if (rows[static_cast<std::size_t>(i)].dtype == dtype) return static_cast<Type>(i);
    fail<InternalError>("dtype {} is no type of programs", tilemesh::name_of(dtype));
}

std::int64_t wrapped(Type type, std::int64_t value) {
    if (!is_integer(type) || bits_of(type) == 64) return value;
    if (type == Type::i1) return value & 1;
    const auto bits = static_cast<unsigned>(bits_of(type));
    const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
    const std::uint64_t low = static_cast<std::uint64_t>(value) & mask;
    const bool negative = !is_unsigned(type) && (low >> (bits - 1)) != 0;
    return static_cast<std::int64_t>(negative ? low | ~mask : low);
}

bool holds(Type type, std::int64_t low, std::int64_t high) {
    if (!is_integer(type) || bits_of(type) == 64) return true;
    return wrapped(type, low) == low && wrapped(type, high) == high;
}

std::string range_of(Type type) {
    const int bits = bits_of(type);
    const std::uint64_t most = ~std::uint64_t{0} >> (64 - bits);
    if (type == Type::i1 || is_unsigned(type)) return "an integer from 0 to " + std::to_string(most);
    const auto largest = static_cast<std::int64_t>(most >> 1);
    return "an integer from " + std::to_string(-largest - 1) + " to " + std::to_string(largest);
}

std::optional<std::int64_t> integer_of(Type type, double number) {
    const int bits = bits_of(type);
    const bool sign = type != Type::i1 && !is_unsigned(type);
    const double beyond = std::ldexp(1.0, sign ? bits - 1 : bits), least = sign ? -beyond : 0.0;
    if (!(number >= least && number < beyond) || std::floor(number) != number) return std::nullopt;
    return type == Type::u64 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(number))
                             : static_cast<std::int64_t>(number);
}

std::int64_t truncated(Type type, double number) {
    if (std::isnan(number)) return 0;
    if (const auto held = integer_of(type, std::trunc(number))) return *held;
    const bool sign = !is_unsigned(type);
    const std::uint64_t most = ~std::uint64_t{0} >> (64 - (sign ? bits_of(type) - 1 : bits_of(type)));
    return static_cast<std::int64_t>(number > 0 ? most : sign ? ~most : 0);
}

Type promoted(Type a, Type b, bool divides) {
    if (is_float(a) || is_float(b)) {
        if (a == Type::f32 || b == Type::f32) return Type::f32;
        const bool half = a == Type::f16 || b == Type::f16, brain = a == Type::bf16 || b == Type::bf16;
        if (divides && (half || brain)) return Type::f32;
        if (half) return Type::f16;
        if (brain) return a == b ? Type::bf16 : Type::f32;
        if (!is_float(a)) a = b;
        if (!is_float(b)) b = a;
        return a == b && !divides ? a : Type::f16;  // two 8-bit floats
    }
    // The wider; of equal width the unsigned one (C's usual conversions without promotion to int).
    if (bits_of(a) != bits_of(b)) return bits_of(a) > bits_of(b) ? a : b;
    return is_unsigned(b) ? b : a;
}

Type promoted_with_constant(Type typed, bool constant_is_float, std::int64_t constant, bool divides) {
    if (is_float(typed)) {
        const bool narrow = typed == Type::f16 || typed == Type::bf16;
        return divides && narrow ? Type::f32 : typed;
    }
    if (constant_is_float) return Type::f32;
    if (typed == Type::i1) return type_of_constant(false, constant);
    return typed;
}

Type type_of_constant(bool is_float, std::int64_t value) {
    if (is_float) return Type::f32;
    for (const Type type : {Type::i32, Type::u32})
        if (holds(type, value, value)) return type;
    return Type::i64;
}

}  // namespace tilemesh::program
