// SPDX-License-Identifier: Apache-2.0
// Do the 8-bit floats hold exactly what their definition says? All 256 patterns of each, every point halfway between
// neighbours with a hair on either side, and what lies beyond the greatest number; in double, from the definition.
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
    int fraction_bits, bias;
    std::uint32_t greatest;  // pattern of the greatest finite number
    double greatest_value;
};
const Format e4m3 = {Dtype::f8e4m3, 3, 7, 0x7e, 448.0};
const Format e5m2 = {Dtype::f8e5m2, 2, 15, 0x7b, 57344.0};

/// The value of a finite, positive pattern, from the definition.
double value_of(const Format& format, std::uint32_t pattern) {
    const std::uint32_t hidden = 1u << format.fraction_bits;
    const std::uint32_t fraction = pattern & (hidden - 1);
    const int exponent = static_cast<int>(pattern >> format.fraction_bits);
    const int power = std::max(exponent, 1) - format.bias - format.fraction_bits;
    return std::ldexp(exponent == 0 ? fraction : fraction | hidden, power);
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

float packed_and_back(Dtype dtype, float value) {
    std::uint8_t bits = 0;
    pack_8bit(dtype, std::span(&value, 1), std::span(&bits, 1));
    float back = 0;
    unpack_8bit(dtype, std::span(&bits, 1), std::span(&back, 1));
    return back;
}

TEST_CASE("every 8-bit pattern unpacks to its value, packs to itself and is not changed by rounding") {
    const Format format = GENERATE(e4m3, e5m2);
    std::vector<std::uint8_t> patterns(256), packed(256);
    for (std::uint32_t i = 0; i < 256; ++i) patterns[i] = static_cast<std::uint8_t>(i);
    std::vector<float> values(256);
    unpack_8bit(format.dtype, patterns, values);
    pack_8bit(format.dtype, values, packed);
    for (std::uint32_t i = 0; i < 256; ++i) {
        CAPTURE(name_of(format.dtype), i, values[i]);
        const std::uint32_t magnitude = i & 0x7f;
        REQUIRE(std::signbit(values[i]) == (i >= 0x80));
        if (magnitude <= format.greatest) {
            REQUIRE(std::abs(static_cast<double>(values[i])) == value_of(format, magnitude));
            REQUIRE(packed[i] == patterns[i]);
            REQUIRE(bits_of(round_to(format.dtype, values[i])) == bits_of(values[i]));
        } else if (format.dtype == Dtype::f8e5m2 && magnitude == 0x7c) {
            REQUIRE(std::isinf(values[i]));
            REQUIRE((packed[i] & 0x7f) == format.greatest);  // storing saturates
        } else {
            REQUIRE(std::isnan(values[i]));
            REQUIRE(packed[i] == patterns[i]);
            REQUIRE(std::isnan(round_to(format.dtype, values[i])));
        }
    }
    CHECK(value_of(format, format.greatest) == format.greatest_value);
    CHECK(static_cast<double>(values[format.greatest]) == format.greatest_value);
}

TEST_CASE("a value halfway between 8-bit neighbours rounds to the even one, and a hair beside it to the nearer one") {
    const Format format = GENERATE(e4m3, e5m2);
    for (std::uint32_t low = 0; low < format.greatest; ++low) {
        const auto below = static_cast<float>(value_of(format, low)),
                   above = static_cast<float>(value_of(format, low + 1));
        const float halfway = (below + above) / 2;
        const float even = low % 2 == 0 ? below : above;
        for (const float sign : {1.0F, -1.0F}) {
            const std::vector<float> values = {sign * std::nextafter(halfway, 0.0F), sign * halfway,
                                               sign * std::nextafter(halfway, 1e9F)};
            const std::vector<float> expected = {sign * below, sign * even, sign * above};
            std::vector<float> together = values;
            round_to(format.dtype, together);
            for (std::size_t i = 0; i < values.size(); ++i) {
                CAPTURE(name_of(format.dtype), low, values[i]);
                REQUIRE(bits_of(together[i]) == bits_of(expected[i]));
                REQUIRE(bits_of(round_to(format.dtype, values[i])) == bits_of(expected[i]));
                REQUIRE(bits_of(packed_and_back(format.dtype, values[i])) == bits_of(expected[i]));
            }
        }
    }
}

TEST_CASE("what an 8-bit float cannot hold becomes its greatest number, infinity too, and NaN stays NaN") {
    const Format format = GENERATE(e4m3, e5m2);
    const auto most = static_cast<float>(format.greatest_value);
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float value : {std::nextafter(most, infinity), most * 1.0625F, most * 2, 1e30F, infinity}) {
        CHECK(round_to(format.dtype, value) == most);
        CHECK(round_to(format.dtype, -value) == -most);
        CHECK(packed_and_back(format.dtype, value) == most);
        CHECK(packed_and_back(format.dtype, -value) == -most);
    }
    for (const std::uint32_t nan : {0x7f80'0001u, 0x7fc0'0000u, 0xffff'ffffu}) {
        CHECK(std::isnan(round_to(format.dtype, std::bit_cast<float>(nan))));
        CHECK(std::isnan(packed_and_back(format.dtype, std::bit_cast<float>(nan))));
    }
}

TEST_CASE("any f32 number rounds to the 8-bit float that is nearest") {
    const Format format = GENERATE(e4m3, e5m2);
    std::vector<float> values;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        const auto bits = static_cast<std::uint32_t>(random_bits(12, 0, i));
        const auto exponent = static_cast<std::uint32_t>(106 + random_below(12, 1, i, 42));  // 2^-21 to 2^20
        values.push_back(std::bit_cast<float>((bits & 0x807f'ffff) | exponent << 23));
    }
    std::vector<float> results = values;
    for (std::size_t at = 0, size = 1; at < results.size(); at += size, size = size % 67 + 1)
        round_to(format.dtype, std::span(results).subspan(at, std::min(size, results.size() - at)));
    for (std::size_t i = 0; i < values.size(); ++i) {
        const int power =
            std::max(std::ilogb(values[i]), 1 - format.bias) - format.fraction_bits;  // of the last place
        const double nearest = std::ldexp(std::nearbyint(std::ldexp(static_cast<double>(values[i]), -power)), power);
        const double expected = std::clamp(nearest, -format.greatest_value, format.greatest_value);
        if (static_cast<double>(results[i]) != expected ||
            bits_of(packed_and_back(format.dtype, values[i])) != bits_of(results[i]))
            FAIL(name_of(format.dtype) << ": " << values[i] << " became " << results[i] << ", expected " << expected);
    }
}

TEST_CASE("8-bit packing into a span of another length or of another dtype is an internal error") {
    const std::vector<float> values(3);
    std::vector<std::uint8_t> bits(2);
    CHECK_THROWS_AS(pack_8bit(Dtype::f8e4m3, values, bits), InternalError);
    bits.resize(3);
    CHECK_THROWS_AS(pack_8bit(Dtype::f16, values, bits), InternalError);
}

}  // namespace
}  // namespace tilemesh
