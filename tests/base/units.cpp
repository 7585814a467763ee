// SPDX-License-Identifier: Apache-2.0
// Do quantities stay apart, and do conversions to time round so that no rate is ever exceeded?
#include "sim/base/units.h"

#include <catch2/catch.hpp>
#include <concepts>

namespace tilemesh {
namespace {

template <class A, class B>
concept adds = requires(A a, B b) {
    a + b;
};
template <class A, class B>
concept compares = requires(A a, B b) {
    a < b;
};

static_assert(adds<Picoseconds, Picoseconds> && compares<Bytes, Bytes>);
static_assert(!adds<Picoseconds, Bytes> && !compares<Picoseconds, Bytes>, "time and bytes must not mix");
static_assert(!adds<Picoseconds, std::uint64_t> && !compares<Bytes, int>, "a bare number has no unit");
static_assert(!std::convertible_to<std::uint64_t, Bytes> && !std::convertible_to<Bytes, std::uint64_t>);
static_assert(!std::convertible_to<double, Rate> && !std::convertible_to<double, Clock>);
static_assert(Picoseconds(5) - Picoseconds(2) == Picoseconds(3) && 3 * Bytes(4) == Bytes(12));

TEST_CASE("the time of a transfer is the least whole number of picoseconds that respects the rate") {
    const double gbytes_per_s = GENERATE(0.5, 1.0, 3.0, 32.0, 51.2, 128.0, 256.0, 2048.0);
    const Rate rate = Rate::gbytes_per_s(gbytes_per_s);
    for (std::uint64_t bytes : {0u, 1u, 2u, 31u, 64u, 1000u, 4097u, 16384u, 1u << 30}) {
        const auto time = static_cast<double>(rate.time_for(Bytes(bytes)).value());
        CAPTURE(gbytes_per_s, bytes, time);
        const double bytes_per_ps = gbytes_per_s / 1000.0;
        const double tolerance = 1e-9 * static_cast<double>(bytes);
        CHECK(time * bytes_per_ps >= static_cast<double>(bytes) - tolerance);
        CHECK((time - 1.0) * bytes_per_ps < static_cast<double>(bytes));
    }
}

TEST_CASE("cycles become time rounded up, except for the noise of a division") {
    const double ghz = GENERATE(0.5, 0.9, 1.0, 1.2, 1.5, 3.0);
    const Clock clock(ghz);
    CHECK(clock.ghz() == Approx(ghz));
    for (const double cycles : {0.0, 0.25, 1.0, 3.0, 7.5, 1000.0, 123456789.0}) {
        const auto time = static_cast<double>(clock.time_for(cycles).value());
        const double exact = cycles * 1000.0 / ghz;
        CAPTURE(ghz, cycles, time);
        CHECK(time >= exact * (1 - 1e-12) - 1e-9);
        CHECK(time < exact + 1.0);
        CHECK(clock.cycles_in(Picoseconds(static_cast<std::uint64_t>(time))) == Approx(time * ghz / 1000.0));
    }
}

TEST_CASE("a whole number of cycles at a clock of whole picoseconds is exact") {
    for (std::uint64_t cycles = 0; cycles < 1000; ++cycles)
        REQUIRE(Clock(1.0).time_for(static_cast<double>(cycles)) == Picoseconds(1000 * cycles));
}

TEST_CASE("nanoseconds convert to the nearest picosecond and back") {
    CHECK(from_nanoseconds(8.0) == Picoseconds(8000));
    CHECK(from_nanoseconds(0.1) == Picoseconds(100));
    CHECK(to_nanoseconds(Picoseconds(16500)) == 16.5);
    CHECK(to_seconds(Picoseconds(1'000'000'000'000)) == Approx(1.0));
}

}  // namespace
}  // namespace tilemesh
