// SPDX-License-Identifier: Apache-2.0
// Physical quantities that do not mix: picoseconds, bytes, and the rates and clocks that convert between them.
// Simulated time is an integer number of picoseconds; cycles exist only at the edges (configuration and reports).
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>

namespace tilemesh {

/// An integer amount of one thing; amounts of different things neither add nor compare.
template <class Tag>
class Quantity {
public:
    constexpr Quantity() = default;
    constexpr explicit Quantity(std::uint64_t value) : value_(value) {}
    constexpr std::uint64_t value() const { return value_; }

    constexpr auto operator<=>(const Quantity&) const = default;
    constexpr Quantity& operator+=(Quantity other) {
        value_ += other.value_;
        return *this;
    }
    constexpr Quantity& operator-=(Quantity other) {
        value_ -= other.value_;
        return *this;
    }
    friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value_ + b.value_); }
    friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value_ - b.value_); }
    friend constexpr Quantity operator*(Quantity a, std::uint64_t n) { return Quantity(a.value_ * n); }
    friend constexpr Quantity operator*(std::uint64_t n, Quantity a) { return a * n; }

    static constexpr Quantity max() { return Quantity(std::numeric_limits<std::uint64_t>::max()); }

private:
    std::uint64_t value_ = 0;
};

/// The least whole number that is not less, of a number below 2^63 and above -1: std::ceil is a call where the
/// processor's baseline has no instruction for it.
constexpr std::int64_t whole_up(double number) {
    const auto whole = static_cast<std::int64_t>(number);
    return static_cast<double>(whole) < number ? whole + 1 : whole;
}

using Picoseconds = Quantity<struct PicosecondTag>;
using Bytes = Quantity<struct ByteTag>;

constexpr Picoseconds from_nanoseconds(double ns) {
    return Picoseconds(static_cast<std::uint64_t>(ns * 1000.0 + 0.5));
}
constexpr double to_nanoseconds(Picoseconds t) { return static_cast<double>(t.value()) / 1000.0; }
constexpr double to_seconds(Picoseconds t) { return static_cast<double>(t.value()) * 1e-12; }

/// A transfer rate. 1 byte per nanosecond is 1 GB/s.
class Rate {
public:
    constexpr Rate() = default;
    static constexpr Rate gbytes_per_s(double value) { return Rate(value); }
    constexpr double gbytes_per_s() const { return bytes_per_ns_; }
    bool operator==(const Rate&) const = default;
    /// Time to move `bytes`, rounded up to a picosecond, so that no measured rate exceeds this one.
    Picoseconds time_for(Bytes bytes) const {
        return Picoseconds(
            static_cast<std::uint64_t>(whole_up(static_cast<double>(bytes.value()) * 1000.0 / bytes_per_ns_)));
    }

private:
    constexpr explicit Rate(double bytes_per_ns) : bytes_per_ns_(bytes_per_ns) {}
    double bytes_per_ns_ = 0.0;
};

/// Converts between cycles (what engines count) and time. Fractions of a picosecond round up.
class Clock {
public:
    constexpr Clock() = default;
    constexpr explicit Clock(double ghz) : ps_per_cycle_(1000.0 / ghz) {}
    constexpr double ghz() const { return 1000.0 / ps_per_cycle_; }
    Picoseconds time_for(double cycles) const {
        return Picoseconds(static_cast<std::uint64_t>(whole_up(cycles * ps_per_cycle_ - 1e-9)));
    }
    constexpr double cycles_in(Picoseconds t) const { return static_cast<double>(t.value()) / ps_per_cycle_; }

private:
    double ps_per_cycle_ = 1000.0;
};

}  // namespace tilemesh
