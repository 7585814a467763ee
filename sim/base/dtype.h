// SPDX-License-Identifier: Apache-2.0
// Element types of tiles and tensors, and the rounding that storing in them means. Values are held as f32 in host
// memory; "round" makes each exactly representable in its storage type (round to nearest, ties to even). The 8-bit
// floats are those of the OCP specification "8-bit floating point", revision 1.0: e4m3 has no infinity, one NaN and a
// greatest number of 448, e5m2 is laid out as IEEE 754 would and ends at 57344.
#pragma once

#include "sim/base/units.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tilemesh {

// mask: a byte per element, 0 or 1
enum class Dtype : std::uint8_t { f32, f16, bf16, i32, mask, f8e4m3, f8e5m2, i8, i16, i64, u8, u16, u32, u64 };
constexpr int dtype_count = static_cast<int>(Dtype::u64) + 1;

inline constexpr std::uint8_t dtype_bytes[dtype_count] = {4, 2, 2, 4, 1, 1, 1, 1, 2, 8, 1, 2, 4, 8};
constexpr std::uint64_t bytes_per_element(Dtype dtype) { return dtype_bytes[static_cast<int>(dtype)]; }
constexpr bool is_fp8(Dtype dtype) { return dtype == Dtype::f8e4m3 || dtype == Dtype::f8e5m2; }
constexpr bool is_floating(Dtype dtype) { return dtype <= Dtype::bf16 || is_fp8(dtype); }
std::string_view name_of(Dtype dtype);
std::optional<Dtype> dtype_from_name(std::string_view name);

/// Rounds one value to what `dtype` can hold. f16 overflows to infinity as IEEE 754 says and NaN stays NaN. The 8-bit
/// floats saturate, infinity too, as the conversions of hardware that has them do; NaN stays NaN. Integers are the
/// nearest one, ties to even, saturate, and are 0 for NaN; mask is 1 for whatever is not zero.
float round_to(Dtype dtype, float value);
/// The same for many values, in place; this is on the hot path of runs that compute values.
void round_to(Dtype dtype, std::span<float> values);

/// Bit patterns of 16-bit storage; packing rounds as round_to does. Spans must have equal length. `dtype` is f16 or
/// bf16.
void pack_16bit(Dtype dtype, std::span<const float> values, std::span<std::uint16_t> bits);
void unpack_16bit(Dtype dtype, std::span<const std::uint16_t> bits, std::span<float> values);
/// The same for the 8-bit floats.
void pack_8bit(Dtype dtype, std::span<const float> values, std::span<std::uint8_t> bits);
void unpack_8bit(Dtype dtype, std::span<const std::uint8_t> bits, std::span<float> values);

}  // namespace tilemesh
