// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/vector_math.h"

#include "sim/base/instruction_sets.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tilemesh {
namespace {

constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: rounds to an integer in the low mantissa bits
constexpr float kLog2E = 1.44269504F;
constexpr float kLeastExponent = -87.3365447F;  // e to this is 2^-126, the least normal f32

/// The whole number that was rounded off by adding kRounder.
inline std::int32_t whole_of(float shifted) {
    return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRounder));
}

/// 2^n * 2^f with f in [-1/2, 1/2]: the Taylor series of 2^f to the seventh power, whose remainder (ln2/2)^8/8! is
/// 5e-9, times two factors, so that n = 128 overflows only if the result does.
inline float scaled_exp2(std::int32_t n, float f) {
    float p = 1.5252734e-5F;
    p = p * f + 1.5403530e-4F;
    p = p * f + 1.3333558e-3F;
    p = p * f + 9.6181291e-3F;
    p = p * f + 5.5504109e-2F;
    p = p * f + 2.4022651e-1F;
    p = p * f + 6.9314718e-1F;
    p = p * f + 1.0F;
    const std::int32_t half = n >> 1;
    const float a = std::bit_cast<float>(static_cast<std::uint32_t>(half + 127) << 23);
    const float b = std::bit_cast<float>(static_cast<std::uint32_t>(n - half + 127) << 23);
    return p * a * b;
}

inline float exp2_one(float x) {
    const float clamped = std::min(std::max(x, -127.0F), 129.0F);
    const float shifted = clamped + kRounder;
    const float y = scaled_exp2(whole_of(shifted), clamped - (shifted - kRounder));
    return x < -126.0F ? 0.0F : y;
}

/// e^x = 2^n * e^r with r = x - n*ln2 taken in two parts, so that r keeps its digits.
inline float exp_one(float given) {
    const float x = std::min(std::max(given, -88.0F), 89.0F);
    const float shifted = x * kLog2E + kRounder;
    const float whole = shifted - kRounder;
    const float r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;
    const float y = scaled_exp2(whole_of(shifted), r * kLog2E);
    return given < kLeastExponent ? 0.0F : y;
}

/// Near 0, where 1 - 2 / (e^2x + 1) cancels, an odd polynomial (Cephes, Moshier 1989).
inline float tanh_one(float x) {
    const float z = x * x;
    float p = -5.70498872745e-3F;
    p = p * z + 2.06390887954e-2F;
    p = p * z - 5.37397155531e-2F;
    p = p * z + 1.33314422036e-1F;
    p = p * z - 3.33332819422e-1F;
    const float size = std::fabs(x);
    const float near = p * z * size + size;
    const float far = 1.0F - 2.0F / (exp_one(2.0F * size) + 1.0F);
    return std::copysign(size < 0.625F ? near : x == x ? far : x, x);
}

}  // namespace

TILEMESH_INSTRUCTION_SETS void exp2_run(const float* in, float* out, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[i] = exp2_one(in[i]);
}

TILEMESH_INSTRUCTION_SETS void exp_run(const float* in, float* out, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[i] = exp_one(in[i]);
}

TILEMESH_INSTRUCTION_SETS void tanh_run(const float* in, float* out, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[i] = tanh_one(in[i]);
}

TILEMESH_INSTRUCTION_SETS float max_run(const float* in, std::size_t n) {
    float lanes[16];
    std::fill_n(lanes, 16, -std::numeric_limits<float>::infinity());
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (std::size_t j = 0; j < 16; ++j) lanes[j] = in[i + j] > lanes[j] ? in[i + j] : lanes[j];
    }
    for (; i < n; ++i) lanes[0] = in[i] > lanes[0] ? in[i] : lanes[0];
    const float most = *std::max_element(lanes, lanes + 16);
    // No comparison takes what is no number; where there is nothing else, that is what is greatest.
    const bool none = most == -std::numeric_limits<float>::infinity() && n > 0 &&
                      std::all_of(in, in + n, [](float x) { return x != x; });
    return none ? in[0] : most;
}

TILEMESH_INSTRUCTION_SETS float sum_run(const float* in, std::size_t n) {
    float lanes[16] = {};
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (std::size_t j = 0; j < 16; ++j) lanes[j] += in[i + j];
    }
    for (; i < n; ++i) lanes[0] += in[i];
    for (std::size_t width = 8; width > 0; width /= 2) {
        for (std::size_t j = 0; j < width; ++j) lanes[j] += lanes[j + width];
    }
    return lanes[0];
}

}  // namespace tilemesh
