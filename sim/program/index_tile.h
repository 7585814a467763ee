// SPDX-License-Identifier: Apache-2.0
// A tile of integers (or of places in a tensor) that is known at once. Most are a sum of a number and one term per
// dimension, an even step or a table, and stay so: [64, 128] offsets of a block are three numbers. Only what is no
// such sum is kept element by element.
#pragma once

#include "sim/program/value.h"
#include "sim/tile/shape.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tilemesh::program {

class Array;

/// Numbers by position.
struct Table : Object {
    explicit Table(std::vector<std::int64_t> the_numbers);
    std::vector<std::int64_t> numbers;
    std::int64_t least = 0, most = 0;
};

struct IndexTile : Object {
    struct Term {
        std::int64_t step = 0;
        Ref<Table> table;  // instead of a step
        std::int64_t at(std::int64_t i) const {
            return table ? table->numbers[static_cast<std::size_t>(i)] : step * i;
        }
        bool varies() const { return table || step != 0; }
    };

    Shape shape;
    Type type = Type::i32;
    std::int64_t base = 0;
    std::array<Term, 3> terms;  // by slot of the shape; a dimension of 1 has none that varies
    Ref<Table> all;             // instead of base and terms: every element, row by row
    Ref<Object> array;          // of pointers: what they point into

    std::int64_t at(std::int64_t batch, std::int64_t row, std::int64_t col) const {
        if (all) return all->numbers[static_cast<std::size_t>((batch * shape.rows() + row) * shape.cols() + col)];
        return base + terms[0].at(batch) + terms[1].at(row) + terms[2].at(col);
    }
    /// The extreme values.
    std::int64_t least() const;
    std::int64_t most() const;
    /// The only value, if all elements have it.
    std::optional<std::int64_t> uniform() const;
};

/// start, start + 1, ... as [end - start].
Ref<IndexTile> iota(std::int64_t start, std::int64_t end);
Ref<IndexTile> filled(Shape shape, std::int64_t value, Type type);
Ref<IndexTile> tabled(Shape shape, std::vector<std::int64_t> numbers, Type type);

/// The same numbers, broadcast to a shape that they broadcast to.
Ref<IndexTile> broadcast_to(const Ref<IndexTile>& tile, const Shape& shape);

/// Elementwise, in the type given, wrapping as it does; shapes broadcast (the caller has checked that).
Ref<IndexTile> add(const Ref<IndexTile>& a, const Ref<IndexTile>& b, Type type);
Ref<IndexTile> subtract(const Ref<IndexTile>& a, const Ref<IndexTile>& b, Type type);
Ref<IndexTile> multiply(const Ref<IndexTile>& a, const Ref<IndexTile>& b, Type type);

/// Anything else of one to three operands, element by element, computed along as few dimensions as they vary in.
using IntegerFunction = std::int64_t (*)(std::int64_t, std::int64_t, std::int64_t);
Ref<IndexTile> combine(IntegerFunction function, std::span<const Ref<IndexTile>> operands, Type type);

/// The numbers in the range of another type.
Ref<IndexTile> cast(const Ref<IndexTile>& tile, Type type);

}  // namespace tilemesh::program
