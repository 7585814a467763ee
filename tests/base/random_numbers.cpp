// SPDX-License-Identifier: Apache-2.0
// Are the seeded numbers random enough, the same in any order of access, and independent between streams? Seeds are
// fixed, so the limits of five standard deviations are met always or never.
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <vector>

namespace tilemesh {
namespace {

constexpr std::size_t kCount = 1'000'000;
constexpr double kDeviations = 5.0;

std::vector<float> normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::size_t count) {
    std::vector<float> values(count);
    fill_normal(seed, stream, first, values);
    return values;
}

template <class Term>
double mean(const std::vector<float>& values, Term term) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += term(i);
    return sum / static_cast<double>(values.size());
}

/// Of two independent standard normal sequences it has mean 0 and deviation 1/sqrt(count).
double correlation(const std::vector<float>& a, const std::vector<float>& b, std::size_t lag = 0) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i + lag];
    return sum / static_cast<double>(a.size() - lag);
}

TEST_CASE("the moments are those of the standard normal distribution") {
    const std::uint64_t seed = GENERATE(0u, 1u, 12345u);
    const std::vector<float> x = normals(seed, 7, 0, kCount);
    const auto power = [&](int n) { return mean(x, [&](std::size_t i) { return std::pow(double(x[i]), n); }); };
    const double n = static_cast<double>(kCount);
    CAPTURE(seed);
    // The variance of the mean of x^k is (E x^2k - (E x^k)^2) / n, with E x^2, x^4, x^6, x^8 = 1, 3, 15, 105.
    CHECK(std::abs(power(1)) < kDeviations * std::sqrt(1 / n));
    CHECK(std::abs(power(2) - 1) < kDeviations * std::sqrt(2 / n));
    CHECK(std::abs(power(3)) < kDeviations * std::sqrt(15 / n));
    CHECK(std::abs(power(4) - 3) < kDeviations * std::sqrt(96 / n));
}

TEST_CASE("the distribution is normal by the test of Kolmogorov and Smirnov, and has tails") {
    std::vector<float> x = normals(3, 0, 0, kCount);
    std::sort(x.begin(), x.end());
    double distance = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = 0.5 * std::erfc(-static_cast<double>(x[i]) / std::sqrt(2.0));
        distance = std::max(distance, std::abs(expected - (static_cast<double>(i) + 0.5) / kCount));
    }
    CHECK(distance * std::sqrt(static_cast<double>(kCount)) < 1.95);  // exceeded by one sample in a thousand

    const double beyond_four = kCount * std::erfc(4 / std::sqrt(2.0));
    const auto found = std::count_if(x.begin(), x.end(), [](float value) { return std::abs(value) > 4; });
    CHECK(std::abs(static_cast<double>(found) - beyond_four) < kDeviations * std::sqrt(beyond_four));
}

TEST_CASE("neighbours, streams and seeds are uncorrelated, in value and in size") {
    const std::vector<float> x = normals(1, 0, 0, kCount);
    const auto squares = [](std::vector<float> values) {
        for (float& value : values) value = (value * value - 1) / std::sqrt(2.0f);
        return values;
    };
    const double limit = kDeviations / std::sqrt(static_cast<double>(kCount));
    for (const std::size_t lag : {1u, 2u, 3u, 64u, 1024u}) {
        CAPTURE(lag);
        CHECK(std::abs(correlation(x, x, lag)) < limit);
        CHECK(std::abs(correlation(squares(x), squares(x), lag)) < limit);
    }
    for (const auto& [seed, stream] : {std::pair(1, 1), std::pair(2, 0), std::pair(0, 1), std::pair(0, 0)}) {
        const std::vector<float> y =
            normals(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(stream), 0, kCount);
        CAPTURE(seed, stream);
        CHECK(std::abs(correlation(x, y)) < limit);
        CHECK(std::abs(correlation(squares(x), squares(y))) < limit);
        CHECK(std::abs(correlation(x, y, 1)) < limit);
    }
}

TEST_CASE("any part of a stream made alone is the same as in the whole") {
    const std::vector<float> whole = normals(9, 4, 0, 5000);
    for (const std::size_t first : {0u, 1u, 2u, 7u, 1023u, 1024u, 1025u, 2047u, 4999u})
        for (const std::size_t count : {1u, 2u, 3u, 8u, 1023u, 1024u, 1025u, 2050u}) {
            if (first + count > whole.size()) continue;
            const std::vector<float> part = normals(9, 4, first, count);
            CAPTURE(first, count);
            REQUIRE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
        }
    CHECK(normals(9, 4, 0, 0).empty());
}

TEST_CASE("no small seed and stream cancel each other: the counters of all pairs start apart and none at 0") {
    constexpr std::uint64_t numbers = 256;
    std::set<std::uint64_t> starts;
    for (std::uint64_t seed = 0; seed < numbers; ++seed)
        for (std::uint64_t stream = 0; stream < numbers; ++stream) {
            const std::uint64_t bits = random_bits(seed, stream, 0);
            CAPTURE(seed, stream);
            REQUIRE(bits != 0);  // the mixing function keeps 0, so this is a counter at 0
            starts.insert(bits);
        }
    CHECK(starts.size() == numbers * numbers);
    // A counter at 0 begins with the greatest radius there is: sqrt(-2 log(2^-32)) = 6.66.
    for (std::uint64_t both = 0; both < numbers; ++both) CHECK(std::abs(normals(both, both, 0, 1).front()) < 5.0F);
}

TEST_CASE("a stream goes on past the 32-bit range of its index") {
    const std::uint64_t far = (1ull << 40) + 1;
    const std::vector<float> a = normals(9, 4, far, 100), b = normals(9, 4, far + 50, 50);
    CHECK(std::equal(b.begin(), b.end(), a.begin() + 50));
    CHECK(normals(9, 4, 1, 100) != a);
}

TEST_CASE("each of the 64 bits is set half of the time and changes with any bit of seed, stream and index") {
    constexpr std::uint64_t count = 1 << 14;
    std::vector<std::uint64_t> set(64), changed(192);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t bits = random_bits(1, 2, i);
        for (std::size_t bit = 0; bit < 64; ++bit) {
            const std::uint64_t flip = 1ull << bit;
            set[bit] += bits >> bit & 1;
            changed[bit] += static_cast<std::uint64_t>(std::popcount(bits ^ random_bits(1 ^ flip, 2, i)));
            changed[64 + bit] += static_cast<std::uint64_t>(std::popcount(bits ^ random_bits(1, 2 ^ flip, i)));
            changed[128 + bit] += static_cast<std::uint64_t>(std::popcount(bits ^ random_bits(1, 2, i ^ flip)));
        }
    }
    const double deviation = std::sqrt(static_cast<double>(count)) / 2;
    for (const std::uint64_t ones : set)
        CHECK(std::abs(static_cast<double>(ones) - count / 2.0) < kDeviations * deviation);
    for (const std::uint64_t flips : changed)
        CHECK(std::abs(static_cast<double>(flips) - 32.0 * count) < kDeviations * 8 * deviation);
}

TEST_CASE("integers below a bound are equally likely, for bounds that divide 2^64 badly as well") {
    constexpr std::uint64_t count = 300'000;
    for (const std::uint64_t bound : {1ull, 2ull, 3ull, 10ull, 3ull << 62}) {
        const std::uint64_t classes = std::min<std::uint64_t>(bound, bound % 3 == 0 ? 3 : bound);
        std::vector<std::uint64_t> found(classes);
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t value = random_below(1, 0, i, bound);
            REQUIRE(value < bound);
            ++found[value % classes];
        }
        // Taking the high half of a product without drawing again would give half of them to one class of 3 << 62.
        const double expected = static_cast<double>(count) / static_cast<double>(classes);
        CAPTURE(bound);
        for (const std::uint64_t number : found)
            CHECK(std::abs(static_cast<double>(number) - expected) < kDeviations * std::sqrt(expected));
    }
    CHECK_THROWS_AS(random_below(1, 0, 0, 0), InternalError);
}

}  // namespace
}  // namespace tilemesh
