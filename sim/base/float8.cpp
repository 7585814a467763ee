// SPDX-License-Identifier: Apache-2.0
// The 8-bit floats: one description for each, and the arithmetic of all three conversions made from it.
#include "sim/base/float8.h"

#include "sim/base/error.h"
#include "sim/base/float_bits.h"
#include "sim/base/instruction_sets.h"

#include <bit>
#include <cstddef>

namespace tilemesh {
namespace {

using float_bits::choose;
using float_bits::kInfinity;
using float_bits::kSign;
using float_bits::round_off;
using float_bits::shorten_nan;

/// `fraction` bits of fraction; the exponent field is `bias` too large; greatest number and first pattern that is NaN
/// or infinite, sign aside.
template <int fraction, int bias, std::uint32_t greatest, std::uint32_t first_special>
struct Format {
    static constexpr int dropped = 23 - fraction;
    static constexpr std::uint32_t exponent_shift = static_cast<std::uint32_t>(127 - bias) << 23;
    static constexpr std::uint32_t least_normal = static_cast<std::uint32_t>(128 - bias) << 23;
    static constexpr std::uint32_t greatest_bits = greatest;
    static constexpr std::uint32_t special = first_special;
    /// f32 numbers from here to twice this are as far apart as the format's subnormals, so that adding it rounds.
    static constexpr std::uint32_t base = static_cast<std::uint32_t>(127 + 24 - bias - fraction) << 23;
    /// Distance of the subnormals: 2^(1 - bias - fraction).
    static constexpr std::uint32_t step = static_cast<std::uint32_t>(128 - bias - fraction) << 23;
};
using E4M3 = Format<3, 7, 0x43e0'0000, 0x7f>;   // up to 448
using E5M2 = Format<2, 15, 0x4760'0000, 0x7c>;  // up to 57344

float value_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

template <class F>
inline float rounded(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & ~kSign;
    const float shifted = value_of(magnitude) + value_of(F::base);
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(shifted - value_of(F::base));
    std::uint32_t result = round_off<F::dropped>(magnitude);
    result = choose(result > F::greatest_bits, F::greatest_bits, result);
    result = choose(magnitude < F::least_normal, subnormal, result);
    result = choose(magnitude > kInfinity, shorten_nan<F::dropped>(magnitude), result);
    return value_of(result | (bits & kSign));
}

template <class F>
inline std::uint8_t packed(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(rounded<F>(value));
    const std::uint32_t magnitude = bits & ~kSign;
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(value_of(magnitude) + value_of(F::base)) - F::base;
    std::uint32_t result = (magnitude - F::exponent_shift) >> F::dropped;
    result = choose(magnitude < F::least_normal, subnormal, result);
    // What is left of a NaN's fraction follows the exponent of ones; e4m3 has one NaN.
    constexpr std::uint32_t exponent_of_ones = (1u << (7 - (23 - F::dropped))) - 1;
    const std::uint32_t nan = (exponent_of_ones << (23 - F::dropped)) | ((magnitude & 0x007f'ffff) >> F::dropped);
    result = choose(magnitude > kInfinity, F::special == 0x7f ? 0x7f : nan, result);
    return static_cast<std::uint8_t>((result & 0x7f) | ((bits >> 24) & 0x80));
}

template <class F>
inline float unpacked(std::uint8_t bits) {
    const std::uint32_t magnitude = bits & 0x7fu;
    const std::uint32_t normal = (magnitude << F::dropped) + F::exponent_shift;
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * value_of(F::step));
    std::uint32_t result = choose(magnitude < (1u << (23 - F::dropped)), subnormal, normal);
    const std::uint32_t special = F::special == 0x7f ? kInfinity | 0x0040'0000 : normal + F::exponent_shift;
    result = choose(magnitude >= F::special, special, result);
    return value_of(result | ((bits & 0x80u) << 24));
}

TILEMESH_INSTRUCTION_SETS void round_all_e4m3(float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = rounded<E4M3>(values[i]);
}
TILEMESH_INSTRUCTION_SETS void pack_all_e4m3(const float* values, std::uint8_t* bits, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bits[i] = packed<E4M3>(values[i]);
}
TILEMESH_INSTRUCTION_SETS void unpack_all_e4m3(const std::uint8_t* bits, float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = unpacked<E4M3>(bits[i]);
}
TILEMESH_INSTRUCTION_SETS void round_all_e5m2(float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = rounded<E5M2>(values[i]);
}
TILEMESH_INSTRUCTION_SETS void pack_all_e5m2(const float* values, std::uint8_t* bits, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bits[i] = packed<E5M2>(values[i]);
}
TILEMESH_INSTRUCTION_SETS void unpack_all_e5m2(const std::uint8_t* bits, float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values[i] = unpacked<E5M2>(bits[i]);
}

void check_8bit(Dtype dtype, std::size_t values, std::size_t bits) {
    if (!is_fp8(dtype)) fail<InternalError>("8-bit storage of {}: expected f8e4m3 or f8e5m2", name_of(dtype));
    if (values != bits) fail<InternalError>("8-bit storage of {} values in room for {}", values, bits);
}

}  // namespace

void float8::round(Dtype dtype, std::span<float> values) {
    if (dtype == Dtype::f8e4m3) return round_all_e4m3(values.data(), values.size());
    round_all_e5m2(values.data(), values.size());
}

void pack_8bit(Dtype dtype, std::span<const float> values, std::span<std::uint8_t> bits) {
    check_8bit(dtype, values.size(), bits.size());
    if (dtype == Dtype::f8e4m3) return pack_all_e4m3(values.data(), bits.data(), values.size());
    pack_all_e5m2(values.data(), bits.data(), values.size());
}

void unpack_8bit(Dtype dtype, std::span<const std::uint8_t> bits, std::span<float> values) {
    check_8bit(dtype, values.size(), bits.size());
    if (dtype == Dtype::f8e4m3) return unpack_all_e4m3(bits.data(), values.data(), values.size());
    unpack_all_e5m2(bits.data(), values.data(), values.size());
}

}  // namespace tilemesh
