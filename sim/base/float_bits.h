// SPDX-License-Identifier: Apache-2.0
// Shortening f32 bit patterns, as branch-free integer arithmetic that the compiler turns into vector code. Shared by
// the conversions to 16 and to 8 bits; nobody else needs it.
#pragma once

#include <cstdint>

namespace tilemesh::float_bits {

constexpr std::uint32_t kSign = 0x8000'0000;
constexpr std::uint32_t kInfinity = 0x7f80'0000;

inline std::uint32_t choose(bool condition, std::uint32_t yes, std::uint32_t no) { return condition ? yes : no; }

/// Drops the low bits of a magnitude, to nearest, ties to even. A carry into the exponent is the right answer.
template <int dropped>
inline std::uint32_t round_off(std::uint32_t magnitude) {
    constexpr std::uint32_t half_less_one = (1u << (dropped - 1)) - 1;
    return (magnitude + half_less_one + ((magnitude >> dropped) & 1u)) & ~((1u << dropped) - 1);
}

/// A NaN keeps the bits that fit; if none of them is set it must not turn into infinity.
template <int dropped>
inline std::uint32_t shorten_nan(std::uint32_t magnitude) {
    const std::uint32_t kept = magnitude & ~((1u << dropped) - 1);
    return choose(kept == kInfinity, kInfinity | 0x0040'0000, kept);
}

}  // namespace tilemesh::float_bits
