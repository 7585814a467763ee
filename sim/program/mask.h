// SPDX-License-Identifier: Apache-2.0
// A tile of booleans known at once: comparisons of index tiles, and what and, or, not make of them. It is kept as
// that expression and decided where somebody looks: as a rectangle when memory is read under it, row by row when an
// engine selects by it.
#pragma once

#include "sim/program/index_tile.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace tilemesh::program {

enum class Comparison : std::uint8_t { less, less_equal, equal, not_equal };

struct Mask : Object {
    enum class What : std::uint8_t { comparison, both, either, exclusive, negation, numbers };

    Shape shape;
    What what = What::numbers;
    Comparison comparison = Comparison::less;
    Ref<IndexTile> left, right;  // comparison; numbers: left, true where it is not 0
    Ref<Mask> first, second;     // both, either, exclusive; negation: first
    int operations = 1;          // vector operations per element of deciding it

    /// Is the element true? Indices of a dimension of 1 may be any.
    bool at(std::int64_t batch, std::int64_t row, std::int64_t col) const;
    /// One row, as 0 and 1; cols of shape of them.
    void decide(std::int32_t batch, std::int32_t row, std::span<float> out) const;
};

Ref<Mask> compare(Comparison comparison, const Ref<IndexTile>& a, const Ref<IndexTile>& b);
Ref<Mask> join(Mask::What what, const Ref<Mask>& a, const Ref<Mask>& b);
Ref<Mask> negation(const Ref<Mask>& mask);
Ref<Mask> mask_of(const Ref<IndexTile>& numbers);
/// 0 and 1.
Ref<IndexTile> numbers_of(const Ref<Mask>& mask);

/// Where it is true, per slot of a shape that it broadcasts to: [begin, end) each; empty somewhere: nowhere.
struct Rectangle {
    std::array<std::int64_t, 3> begin{}, end{};
    bool empty() const { return begin[0] >= end[0] || begin[1] >= end[1] || begin[2] >= end[2]; }
    bool is_all_of(const Shape& shape) const {
        return begin == std::array<std::int64_t, 3>{} && end[0] == shape.batch() && end[1] == shape.rows() &&
               end[2] == shape.cols();
    }
};
/// Nothing when it is no rectangle.
std::optional<Rectangle> rectangle_of(const Mask& mask, const Shape& shape);
inline Rectangle all_of(const Shape& shape) { return {{0, 0, 0}, {shape.batch(), shape.rows(), shape.cols()}}; }

}  // namespace tilemesh::program
