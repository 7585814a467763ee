// SPDX-License-Identifier: Apache-2.0
// The mixing function of the counter and Box-Muller on top of it. Only additions, products, one division and square
// roots are used, each correctly rounded and never fused, so every machine and compiler makes the same bits.
#include "sim/base/random.h"

#include "sim/base/error.h"
#include "sim/base/instruction_sets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

namespace tilemesh {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr std::uint64_t kGolden = 0x9e37'79b9'7f4a'7c15;  // 2^64 divided by the golden ratio, odd
constexpr std::uint64_t kSilver = 0x6a09'e667'f3bc'c909;  // the fraction of the square root of 2

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014; constants by Stafford, "mix13").
inline std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
    return x ^ (x >> 31);
}

/// Where the counter of a stream starts. Mixed twice, so that neither equal sums of seed and stream nor neighbouring
/// streams meet. The two are mixed from different constants: with one constant, seed 1 and stream 1 would cancel to
/// 0.
inline std::uint64_t start_of(std::uint64_t seed, std::uint64_t stream) {
    return mix(mix(seed + kGolden) ^ mix(stream * kGolden + kSilver));
}

/// Natural logarithm of x in (0, 1], about 1e-7 relative. Polynomial of Cephes logf (Moshier) on [1/sqrt2, sqrt2).
inline float log_of(float x) {
    constexpr std::uint32_t sqrt_half = 0x3f35'04f3;
    const std::uint32_t offset = std::bit_cast<std::uint32_t>(x) - sqrt_half;
    const float exponent = static_cast<float>(static_cast<std::int32_t>(offset) >> 23);
    const float f = std::bit_cast<float>((offset & 0x007f'ffff) + sqrt_half) - 1.0f;
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    const float square = f * f;
    const float tail = p * f * square - 2.12194440e-4f * exponent - 0.5f * square;
    return f + tail + 0.693359375f * exponent;
}

/// Two independent normal values from 64 random bits: 31 for the radius, 32 for the angle.
inline void normal_pair(std::uint64_t bits, float& first, float& second) {
    const float uniform = (static_cast<float>(static_cast<std::int32_t>(bits >> 33)) + 0.5f) * 0x1p-31f;
    const float radius = std::sqrt(-2.0f * log_of(uniform));

    // The angle is `turn` / 2^32 of a turn: a quadrant and a rest within an eighth of a turn on either side.
    const std::uint32_t turn = static_cast<std::uint32_t>(bits);
    const std::uint32_t quadrant = (turn + 0x2000'0000u) >> 30;
    const float x = static_cast<float>(static_cast<std::int32_t>(turn - (quadrant << 30))) * 1.4629180792671596e-9f;
    const float square = x * x;  // polynomials of Cephes sinf and cosf on [-pi/4, pi/4]
    float s = -1.9515295891e-4f;
    s = s * square + 8.3321608736e-3f;
    s = s * square - 1.6666654611e-1f;
    s = s * square * x + x;
    float c = 2.443315711809948e-5f;
    c = c * square - 1.388731625493765e-3f;
    c = c * square + 4.166664568298827e-2f;
    c = c * square * square - 0.5f * square + 1.0f;
    const bool swapped = (quadrant & 1u) != 0;
    const float cosine = swapped ? s : c;
    const float sine = swapped ? c : s;
    const std::uint32_t cosine_sign = ((quadrant + 1) & 2u) << 30;
    const std::uint32_t sine_sign = (quadrant & 2u) << 30;
    first = std::bit_cast<float>(std::bit_cast<std::uint32_t>(radius * cosine) ^ cosine_sign);
    second = std::bit_cast<float>(std::bit_cast<std::uint32_t>(radius * sine) ^ sine_sign);
}

constexpr std::size_t kBlock = 512;  // pairs made at a time; fits the first cache level
using Block = std::array<float, 2 * kBlock>;

/// Values 2 * pair .. 2 * (pair + count) of the stream that starts at `start`.
TILEMESH_INSTRUCTION_SETS void make_pairs(std::uint64_t start, std::uint64_t pair, std::size_t count, float* out) {
    const std::uint64_t counter = start + pair * kGolden;
    for (std::size_t i = 0; i < count; ++i) normal_pair(mix(counter + i * kGolden), out[2 * i], out[2 * i + 1]);
}

}  // namespace

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
    return mix(start_of(seed, stream) + index * kGolden);
}

void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out) {
    const std::uint64_t start = mix(start_of(seed, stream));  // not the counters of random_bits
    Block block;
    while (!out.empty()) {
        const std::size_t skipped = first % 2;
        const std::size_t taken = std::min(out.size(), 2 * kBlock - skipped);
        make_pairs(start, first / 2, (skipped + taken + 1) / 2, block.data());
        std::copy_n(block.begin() + static_cast<std::ptrdiff_t>(skipped), taken, out.begin());
        out = out.subspan(taken);
        first += taken;
    }
}

std::uint64_t random_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint64_t bound) {
    if (bound == 0) fail<InternalError>("random number below 0");
    // Lemire 2019: the high half of bits * bound, drawn again in the few cases that would favour some results.
    std::uint64_t bits = random_bits(seed, stream, index);
    const std::uint64_t favoured = (0 - bound) % bound;
    Uint128 product = static_cast<Uint128>(bits) * bound;
    while (static_cast<std::uint64_t>(product) < favoured) {
        bits = mix(bits + kGolden);
        product = static_cast<Uint128>(bits) * bound;
    }
    return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace tilemesh
