// SPDX-License-Identifier: Apache-2.0
// Does storing in f16, bf16, i32 and masks give exactly the value the standard says? Patterns are checked one by one
// against values computed in double from the definition of the formats.
#include "sim/base/dtype.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace tilemesh {
namespace {

struct Format {
    Dtype dtype;
    int fraction_bits;
    int least_exponent;  // of normal numbers
    int bias;
    std::uint32_t infinity;  // bit pattern
};
constexpr Format kF16 = {Dtype::f16, 10, -14, 15, 0x7c00};
constexpr Format kBf16 = {Dtype::bf16, 7, -126, 127, 0x7f80};

/// The value of a finite, positive pattern, from the definition.
double value_of(const Format& format, std::uint32_t pattern) {
    const std::uint32_t hidden = 1u << format.fraction_bits;
    const std::uint32_t fraction = pattern & (hidden - 1);
    const int exponent = static_cast<int>(pattern >> format.fraction_bits);
    const int power = (exponent == 0 ? format.least_exponent : exponent - format.bias) - format.fraction_bits;
    return std::ldexp(exponent == 0 ? fraction : fraction | hidden, power);
}

/// The nearest representable value, in double, which has room for all of it. nearbyint ties to even.
float rounded(const Format& format, float value) {
    if (!std::isfinite(value) || value == 0.0f) return value;
    const int power = std::max(std::ilogb(value), format.least_exponent) - format.fraction_bits;
    const double result = std::ldexp(std::nearbyint(std::ldexp(static_cast<double>(value), -power)), power);
    const double beyond = value_of(format, format.infinity);
    return std::abs(result) >= beyond ? std::copysign(std::numeric_limits<float>::infinity(), value)
                                      : static_cast<float>(result);
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

/// Rounds a few values at a time, so that both the vector body and the tail of the loop are used.
std::vector<float> round_all(Dtype dtype, std::vector<float> values) {
    for (std::size_t at = 0, size = 1; at < values.size(); at += size, size = size % 67 + 1)
        round_to(dtype, std::span(values).subspan(at, std::min(size, values.size() - at)));
    return values;
}

TEST_CASE("every 16-bit pattern unpacks to its value and packs to itself") {
    const Format format = GENERATE(kF16, kBf16);
    std::vector<std::uint16_t> patterns(0x10000), packed(patterns.size());
    for (std::uint32_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
    std::vector<float> values(patterns.size());
    unpack_16bit(format.dtype, patterns, values);
    pack_16bit(format.dtype, values, packed);
    CHECK(packed == patterns);

    for (std::uint32_t i = 0; i < patterns.size(); ++i) {
        const std::uint32_t magnitude = i & 0x7fff;
        const double size = std::abs(values[i]);
        const bool good = magnitude > format.infinity    ? std::isnan(size)
                          : magnitude == format.infinity ? std::isinf(size)
                                                         : size == value_of(format, magnitude);
        if (!good || std::signbit(values[i]) != (i >= 0x8000))
            FAIL(name_of(format.dtype) << " pattern " << i << " unpacks to " << values[i]);
        if (bits_of(round_to(format.dtype, values[i])) != bits_of(values[i]))
            FAIL(name_of(format.dtype) << " value " << values[i] << " is changed by rounding");
    }
}

TEST_CASE("a value halfway between neighbours rounds to the even one, and a hair beside it to the nearer one") {
    const Format format = GENERATE(kF16, kBf16);
    std::vector<float> values, expected;
    // The neighbour of the greatest finite number is where infinity would be if the format went on.
    for (std::uint32_t low = 0; low < format.infinity; ++low) {
        const std::uint32_t high = low + 1, even = low % 2 == 0 ? low : high;
        const auto halfway = static_cast<float>((value_of(format, low) + value_of(format, high)) / 2);
        const auto value = [&](std::uint32_t pattern) {
            return pattern == format.infinity ? std::numeric_limits<float>::infinity()
                                              : static_cast<float>(value_of(format, pattern));
        };
        for (const float sign : {1.0f, -1.0f}) {
            values.insert(values.end(), {sign * std::nextafter(halfway, 0.0f), sign * halfway,
                                         sign * std::nextafter(halfway, std::numeric_limits<float>::max())});
            expected.insert(expected.end(), {sign * value(low), sign * value(even), sign * value(high)});
        }
    }
    const std::vector<float> results = round_all(format.dtype, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float alone = round_to(format.dtype, values[i]);
        if (bits_of(results[i]) != bits_of(expected[i]) || bits_of(alone) != bits_of(expected[i]))
            FAIL(name_of(format.dtype) << ": " << values[i] << " became " << results[i] << " in a span and " << alone
                                       << " alone, expected " << expected[i]);
    }
}

TEST_CASE("any f32 pattern rounds as the definition in double says, and packs to what unpacks to that") {
    const Format format = GENERATE(kF16, kBf16);
    std::vector<float> values;
    for (std::uint64_t i = 0; i < 500'000; ++i) {
        const auto bits = static_cast<std::uint32_t>(random_bits(11, 0, i));
        values.push_back(std::bit_cast<float>(bits));
        // Half of them where f16 has its numbers: exponents from 2^-30 to 2^18.
        const auto exponent = static_cast<std::uint32_t>(97 + random_below(11, 1, i, 48));
        values.push_back(std::bit_cast<float>((bits & 0x807f'ffff) | exponent << 23));
    }
    const std::vector<float> results = round_all(format.dtype, values);
    std::vector<std::uint16_t> packed(values.size());
    pack_16bit(format.dtype, values, packed);
    std::vector<float> unpacked(values.size());
    unpack_16bit(format.dtype, packed, unpacked);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float expected = rounded(format, values[i]);
        const bool good = std::isnan(values[i]) ? std::isnan(results[i]) : bits_of(results[i]) == bits_of(expected);
        if (!good)
            FAIL(name_of(format.dtype) << ": " << values[i] << " became " << results[i] << ", expected " << expected);
        if (bits_of(results[i]) != bits_of(round_to(format.dtype, values[i])))
            FAIL(name_of(format.dtype) << ": " << values[i] << " alone and in a span differ");
        if (bits_of(results[i]) != bits_of(unpacked[i]))
            FAIL(name_of(format.dtype) << ": " << values[i] << " rounded and packed differ");
    }
}

TEST_CASE("a NaN whose payload does not fit stays a NaN") {
    const float nan = std::bit_cast<float>(0x7f80'0001u);
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
        CHECK(std::isnan(round_to(dtype, nan)));
        std::uint16_t bits = 0;
        pack_16bit(dtype, std::span(&nan, 1), std::span(&bits, 1));
        float back = 0;
        unpack_16bit(dtype, std::span(&bits, 1), std::span(&back, 1));
        CHECK(std::isnan(back));
    }
}

TEST_CASE("i32 holds the nearest integer, ties to even, and saturates") {
    std::vector<float> values = {0.0f, -0.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49999997f, 4194303.5f, 4194304.5f};
    values.insert(values.end(), {4194305.5f, 8388607.5f, 8388609.0f, -8388607.5f, 16777216.0f, -123.7f});
    for (std::uint64_t i = 0; i < 10'000; ++i)
        values.push_back(std::ldexp(static_cast<float>(random_bits(5, 0, i) >> 40), -20) - 8.0f);
    const std::vector<float> results = round_all(Dtype::i32, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
        CAPTURE(values[i]);
        const auto integer = static_cast<std::int64_t>(std::nearbyint(values[i]));
        REQUIRE(bits_of(results[i]) == bits_of(static_cast<float>(integer)));
        REQUIRE(bits_of(round_to(Dtype::i32, values[i])) == bits_of(results[i]));
    }
    const float most = std::nextafter(0x1p31f, 0.0f);
    CHECK(round_to(Dtype::i32, 1e30f) == most);
    CHECK(round_to(Dtype::i32, std::numeric_limits<float>::infinity()) == most);
    CHECK(round_to(Dtype::i32, -1e30f) == -0x1p31f);
    CHECK(round_to(Dtype::i32, std::nanf("")) == 0.0f);
}

TEST_CASE("a mask is 0 where the value is 0 and 1 elsewhere") {
    const std::vector<float> values = {0.0f, -0.0f, 1.0f, 0.25f, -3.0f, 1e-45f, std::nanf("")};
    CHECK(round_all(Dtype::mask, values) == std::vector<float>{0, 0, 1, 1, 1, 1, 1});
}

TEST_CASE("f32 changes nothing") {
    const float value = std::bit_cast<float>(0x3f80'0001u);
    CHECK(bits_of(round_to(Dtype::f32, value)) == bits_of(value));
}

TEST_CASE("every dtype is found by its name") {
    for (const Dtype dtype :
         {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::mask, Dtype::f8e4m3, Dtype::f8e5m2})
        CHECK(dtype_from_name(name_of(dtype)) == dtype);
    CHECK_FALSE(dtype_from_name("float16"));
    CHECK_FALSE(dtype_from_name(""));
}

TEST_CASE("packing into a span of another length or another dtype is an internal error") {
    const std::vector<float> values(3);
    std::vector<std::uint16_t> bits(2);
    CHECK_THROWS_AS(pack_16bit(Dtype::f16, values, bits), InternalError);
    bits.resize(3);
    CHECK_THROWS_AS(pack_16bit(Dtype::f32, values, bits), InternalError);
}

}  // namespace
}  // namespace tilemesh
