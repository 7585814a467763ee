// SPDX-License-Identifier: Apache-2.0
// Shapes of tiles: one to three dimensions, row-major, with numpy's broadcasting. Dimensions are kept right-aligned
// in three slots (missing leading ones are 1), so that every command can treat a tile as [batch, rows, cols].
#pragma once

#include "sim/base/error.h"

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

namespace tilemesh {

/// A shape or an index that cannot be held. A mistake of the kernel; its PE adds where.
class ShapeError : public KernelError {
public:
    using KernelError::KernelError;
};

/// A dimension or an index in the 32 bits that shapes are made of.
constexpr std::int32_t to_index(std::int64_t value, const char* what) {
    constexpr std::int64_t least = std::numeric_limits<std::int32_t>::min();
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    if (value < least || value > most) {
        fail<ShapeError>("{} {} does not fit 32 bits, expected at most {}", what, value, most);
    }
    return static_cast<std::int32_t>(value);
}

class Shape {
public:
    constexpr Shape() = default;
    constexpr Shape(std::initializer_list<std::int64_t> dims) : rank_(static_cast<std::int8_t>(dims.size())) {
        if (dims.size() > 3) fail<ShapeError>("a shape of {} dimensions, expected at most 3", dims.size());
        std::size_t slot = 3 - dims.size();
        for (const std::int64_t dim : dims) dims_[slot++] = to_index(dim, "dimension");
        check_elements();
    }
    constexpr Shape(int rank, std::array<std::int32_t, 3> slots)
        : dims_(slots), rank_(static_cast<std::int8_t>(rank)) {
        check_elements();
    }

    constexpr int rank() const { return rank_; }
    constexpr std::int32_t batch() const { return dims_[0]; }
    constexpr std::int32_t rows() const { return dims_[1]; }
    constexpr std::int32_t cols() const { return dims_[2]; }
    constexpr std::int32_t slot(int i) const { return dims_[static_cast<std::size_t>(i)]; }
    constexpr const std::array<std::int32_t, 3>& slots() const { return dims_; }
    /// Dimension `axis` counted from the front, or from the back when negative.
    constexpr std::int32_t dim(int axis) const { return dims_[static_cast<std::size_t>(slot_of(axis))]; }
    constexpr int slot_of(int axis) const { return axis < 0 ? 3 + axis : 3 - rank_ + axis; }
    constexpr std::int64_t elements() const {
        return static_cast<std::int64_t>(dims_[0]) * dims_[1] * static_cast<std::int64_t>(dims_[2]);
    }
    constexpr bool positive() const { return dims_[0] > 0 && dims_[1] > 0 && dims_[2] > 0; }
    constexpr bool operator==(const Shape&) const = default;

    std::string text() const {
        std::string out = "[";
        for (int i = 3 - rank_; i < 3; ++i) out += fmt::format("{}{}", i > 3 - rank_ ? ", " : "", slot(i));
        return out + "]";
    }

private:
    /// elements() is a 64-bit product of three 31-bit numbers.
    constexpr void check_elements() const {
        constexpr double most = 0x1p62;
        const double elements = static_cast<double>(dims_[0]) * dims_[1] * dims_[2];
        if (elements > most || elements < -most) fail<ShapeError>("a shape {} has more than 2^62 elements", text());
    }

    std::array<std::int32_t, 3> dims_{1, 1, 1};
    std::int8_t rank_ = 0;
};

/// The shape both broadcast to; rank -1 when they do not.
constexpr Shape broadcast(const Shape& a, const Shape& b) {
    std::array<std::int32_t, 3> dims{1, 1, 1};
    for (std::size_t i = 0; i < 3; ++i) {
        const std::int32_t x = a.slots()[i], y = b.slots()[i];
        if (x != y && x != 1 && y != 1) return Shape(-1, dims);
        dims[i] = x == 1 ? y : x;
    }
    return Shape(a.rank() > b.rank() ? a.rank() : b.rank(), dims);
}

}  // namespace tilemesh
