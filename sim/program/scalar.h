// SPDX-License-Identifier: Apache-2.0
// The types of numbers in programs: constants as Python has them, and Triton's integers and floats, with its
// promotion (triton-lang.org, "Triton Semantics").
#pragma once

#include "sim/base/dtype.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tilemesh::program {

enum class Type : std::uint8_t { constant, i1, i8, i16, i32, i64, u8, u16, u32, u64, f8e4m3, f8e5m2, f16, bf16, f32 };
constexpr int type_count = static_cast<int>(Type::f32) + 1;

std::string_view name_of(Type type);
/// "i32", "bf16", ...; not "constant".
std::optional<Type> type_from_name(std::string_view name);

constexpr bool is_integer(Type type) { return type >= Type::i1 && type <= Type::u64; }
constexpr bool is_float(Type type) { return type >= Type::f8e4m3; }
constexpr bool is_unsigned(Type type) { return type >= Type::u8 && type <= Type::u64; }
int bits_of(Type type);
/// What an element of a tile or a tensor takes in memory.
inline std::uint64_t bytes_of(Type type) {
    return type == Type::i1 ? 1 : static_cast<std::uint64_t>(bits_of(type)) / 8;
}
/// The storage of tiles of this type.
Dtype dtype_of(Type type);
Type type_of(Dtype dtype);

/// The value in the range of an integer type, as two's complement wraps it.
std::int64_t wrapped(Type type, std::int64_t value);
/// The number that an integer of this type is: those of u64 are kept as two's complement.
inline double number_of(Type type, std::int64_t value) {
    return type == Type::u64 ? static_cast<double>(static_cast<std::uint64_t>(value)) : static_cast<double>(value);
}
/// The float nearest to it, rounded once.
inline float float_of(Type type, std::int64_t value) {
    return type == Type::u64 ? static_cast<float>(static_cast<std::uint64_t>(value)) : static_cast<float>(value);
}
/// Does the integer type hold all of [low, high]?
bool holds(Type type, std::int64_t low, std::int64_t high);
/// Its numbers, as people write them: "an integer from -128 to 127".
std::string range_of(Type type);
/// The integer of this type that a number as people write it is; nothing when it is none or the type does not hold
/// it.
std::optional<std::int64_t> integer_of(Type type, double number);
/// Rounded towards zero, as tiles are: the nearest that the type has for what is beyond it, 0 for what is no number.
std::int64_t truncated(Type type, double number);

/// What an operation of two typed operands is done in, and gives. `divides`: a division or a remainder, which 16-bit
/// floats do in f32.
Type promoted(Type a, Type b, bool divides);
/// The same for a typed operand and a constant, which takes its type unless the constant's kind is higher.
Type promoted_with_constant(Type typed, bool constant_is_float, std::int64_t constant, bool divides);
/// The type of a constant that meets nothing typed: i32, u32 or i64 by size, f32.
Type type_of_constant(bool is_float, std::int64_t value);

}  // namespace tilemesh::program
