// SPDX-License-Identifier: Apache-2.0
// Rounding and packing of element types, as branch-free integer arithmetic that the compiler turns into vector code.
// The one-value functions and the loops share the same inline definitions, so they cannot disagree.
#include "sim/base/dtype.h"

#include "sim/base/error.h"
#include "sim/base/float8.h"
#include "sim/base/float_bits.h"
#include "sim/base/instruction_sets.h"

#include <array>
#include <bit>
#include <cstddef>

namespace tilemesh {
namespace {

using float_bits::choose;
using float_bits::kInfinity;
using float_bits::kSign;
using float_bits::round_off;
using float_bits::shorten_nan;

constexpr std::uint32_t kLeastNormalF16 = 0x3880'0000;      // 2^-14
constexpr std::uint32_t kBeyondF16 = 0x4780'0000;           // 2^16, the first power of two that f16 cannot hold
constexpr std::uint32_t kExponentShift = (127 - 15) << 23;  // between the exponent biases of f32 and f16
constexpr float kF16SubnormalStep = 0x1p-24f;

constexpr std::array<std::string_view, dtype_count> kNames = {"f32", "f16", "bf16", "i32", "mask", "f8e4m3", "f8e5m2",
                                                              "i8",  "i16", "i64",  "u8",  "u16",  "u32",    "u64"};

inline float round_f16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & ~kSign;
    // f32 numbers from 0.5 to 1 are as far apart as the subnormals of f16, so the addition rounds.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(shifted - 0.5f);
    std::uint32_t rounded = round_off<13>(magnitude);
    rounded = choose(rounded >= kBeyondF16, kInfinity, rounded);
    rounded = choose(magnitude < kLeastNormalF16, subnormal, rounded);
    rounded = choose(magnitude > kInfinity, shorten_nan<13>(magnitude), rounded);
    return std::bit_cast<float>(rounded | (bits & kSign));
}

inline float round_bf16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & ~kSign;
    const std::uint32_t rounded = choose(magnitude > kInfinity, shorten_nan<16>(magnitude), round_off<16>(magnitude));
    return std::bit_cast<float>(rounded | (bits & kSign));
}

struct IntegerRange {
    float least, most;  // the extreme f32 numbers that the type can hold
};
constexpr IntegerRange range_of(Dtype dtype) {
    switch (dtype) {
        case Dtype::i8:
            return {-0x1p7f, 127.0f};
        case Dtype::i16:
            return {-0x1p15f, 32767.0f};
        case Dtype::i64:
            return {-0x1p63f, 0x1.fffffep62f};
        case Dtype::u8:
            return {0.0f, 255.0f};
        case Dtype::u16:
            return {0.0f, 65535.0f};
        case Dtype::u32:
            return {0.0f, 0x1.fffffep31f};
        case Dtype::u64:
            return {0.0f, 0x1.fffffep63f};
        default:
            return {-0x1p31f, 0x1.fffffep30f};
    }
}

inline float round_integer(float value, IntegerRange range) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const float magnitude = std::bit_cast<float>(bits & ~kSign);
    // f32 numbers from 2^23 to 2^24 are 1 apart, so the addition rounds; from there on there is no fraction.
    const float whole = magnitude < 0x1p23f ? (magnitude + 0x1p23f) - 0x1p23f : magnitude;
    float result = std::bit_cast<float>(std::bit_cast<std::uint32_t>(whole) | (bits & kSign));
    result = result < range.least ? range.least : result;
    result = result > range.most ? range.most : result;
    result = value == value ? result : 0.0f;
    return result + 0.0f;  // an integer has no negative zero
}

inline float round_mask(float value) { return value == 0.0f ? 0.0f : 1.0f; }

inline std::uint16_t pack_f16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & ~kSign;
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<std::uint32_t>(0.5f);
    const std::uint32_t rounded = round_off<13>(magnitude);
    std::uint32_t packed = choose(rounded >= kBeyondF16, 0x7c00, (rounded - kExponentShift) >> 13);
    packed = choose(magnitude < kLeastNormalF16, subnormal, packed);
    packed = choose(magnitude > kInfinity, (shorten_nan<13>(magnitude) >> 13) & 0x7fff, packed);
    return static_cast<std::uint16_t>((packed & 0x7fff) | ((bits >> 16) & 0x8000));
}

inline float unpack_f16(std::uint16_t bits) {
    const std::uint32_t magnitude = bits & 0x7fffu;
    const std::uint32_t normal = (magnitude << 13) + kExponentShift;
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * kF16SubnormalStep);
    std::uint32_t value = choose(magnitude < 0x0400, subnormal, normal);
    value = choose(magnitude >= 0x7c00, normal + kExponentShift, value);  // infinity and NaN
    return std::bit_cast<float>(value | ((bits & 0x8000u) << 16));
}

inline std::uint16_t pack_bf16(float value) {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(round_bf16(value)) >> 16);
}
inline float unpack_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

TILEMESH_INSTRUCTION_SETS void round_all_f16(float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = round_f16(values[i]);
}
TILEMESH_INSTRUCTION_SETS void round_all_bf16(float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = round_bf16(values[i]);
}
TILEMESH_INSTRUCTION_SETS void round_all_integers(IntegerRange range, float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = round_integer(values[i], range);
}
TILEMESH_INSTRUCTION_SETS void round_all_mask(float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = round_mask(values[i]);
}
TILEMESH_INSTRUCTION_SETS void pack_all_f16(const float* values, std::uint16_t* bits, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bits[i] = pack_f16(values[i]);
}
TILEMESH_INSTRUCTION_SETS void pack_all_bf16(const float* values, std::uint16_t* bits, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bits[i] = pack_bf16(values[i]);
}
TILEMESH_INSTRUCTION_SETS void unpack_all_f16(const std::uint16_t* bits, float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = unpack_f16(bits[i]);
}
TILEMESH_INSTRUCTION_SETS void unpack_all_bf16(const std::uint16_t* bits, float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = unpack_bf16(bits[i]);
}

void check_16bit(Dtype dtype, std::size_t values, std::size_t bits) {
    if (dtype != Dtype::f16 && dtype != Dtype::bf16)
        fail<InternalError>("16-bit storage of {}: expected f16 or bf16", name_of(dtype));
    if (values != bits) fail<InternalError>("16-bit storage of {} values in room for {}", values, bits);
}

}  // namespace

std::string_view name_of(Dtype dtype) { return kNames.at(static_cast<std::size_t>(dtype)); }

std::optional<Dtype> dtype_from_name(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == name) return static_cast<Dtype>(i);
    return std::nullopt;
}

float round_to(Dtype dtype, float value) {
    switch (dtype) {
        case Dtype::f32:
            return value;
        case Dtype::f16:
            return round_f16(value);
        case Dtype::bf16:
            return round_bf16(value);
        case Dtype::mask:
            return round_mask(value);
        case Dtype::f8e4m3:
        case Dtype::f8e5m2:
            float8::round(dtype, std::span(&value, 1));
            return value;
        default:
            return round_integer(value, range_of(dtype));
    }
}

void round_to(Dtype dtype, std::span<float> values) {
    switch (dtype) {
        case Dtype::f32:
            return;
        case Dtype::f16:
            return round_all_f16(values.data(), values.size());
        case Dtype::bf16:
            return round_all_bf16(values.data(), values.size());
        case Dtype::mask:
            return round_all_mask(values.data(), values.size());
        case Dtype::f8e4m3:
        case Dtype::f8e5m2:
            return float8::round(dtype, values);
        default:
            return round_all_integers(range_of(dtype), values.data(), values.size());
    }
}

void pack_16bit(Dtype dtype, std::span<const float> values, std::span<std::uint16_t> bits) {
    check_16bit(dtype, values.size(), bits.size());
    if (dtype == Dtype::f16) return pack_all_f16(values.data(), bits.data(), values.size());
    pack_all_bf16(values.data(), bits.data(), values.size());
}

void unpack_16bit(Dtype dtype, std::span<const std::uint16_t> bits, std::span<float> values) {
    check_16bit(dtype, values.size(), bits.size());
    if (dtype == Dtype::f16) return unpack_all_f16(bits.data(), values.data(), values.size());
    unpack_all_bf16(bits.data(), values.data(), values.size());
}

}  // namespace tilemesh
