// SPDX-License-Identifier: Apache-2.0
// A block bitmap: a grid of blocks of queries x keys, each hidden, visible, or visible by a pattern of elements; and
// how many elements of any rectangle are visible. Reading it is block_bitmap.cpp's.
#pragma once

#include "sim/attention/mask.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace tilemesh::attention {

/// A table of counts that answers for every rectangle at once: the sum of a [rows, cols] table over part of it.
template <class Count>
class RectangleSums {
public:
    RectangleSums() = default;
    template <class At>
    RectangleSums(std::int64_t rows, std::int64_t cols, const At& at)
        : width_(cols + 1), sums_(static_cast<std::size_t>((rows + 1) * (cols + 1))) {
        for (std::int64_t row = 0; row < rows; ++row) {
            Count of_row = 0;
            for (std::int64_t col = 0; col < cols; ++col) {
                of_row = static_cast<Count>(of_row + static_cast<Count>(at(row, col)));
                sums_[index(row + 1, col + 1)] = static_cast<Count>(sums_[index(row, col + 1)] + of_row);
            }
        }
    }
    Count over(Range rows, Range cols) const {
        return static_cast<Count>(sums_[index(rows.end, cols.end)] - sums_[index(rows.begin, cols.end)] -
                                  sums_[index(rows.end, cols.begin)] + sums_[index(rows.begin, cols.begin)]);
    }

private:
    std::size_t index(std::int64_t row, std::int64_t col) const {
        return static_cast<std::size_t>(row * width_ + col);
    }
    std::int64_t width_ = 1;
    std::vector<Count> sums_;
};

/// Element masks that blocks may have: [patterns, block_queries, block_keys] of 0 and 1.
struct Patterns {
    Patterns(std::int64_t queries, std::int64_t keys, std::vector<std::uint8_t> values);

    std::int64_t block_queries, block_keys;
    std::vector<std::uint8_t> elements;
    std::vector<RectangleSums<std::uint64_t>> sums;  // by pattern
};

class BlockGrid {
public:
    /// `blocks` is [rows, cols]: 0 none, 1 all, else 2 + a pattern's number.
    BlockGrid(std::int64_t rows, std::int64_t cols, std::vector<std::uint8_t> blocks,
              std::shared_ptr<const Patterns> patterns);

    std::int64_t rows() const { return rows_; }
    std::int64_t cols() const { return cols_; }
    bool sees(std::int64_t query, std::int64_t key) const;
    /// Visible elements; what lies outside the grid is hidden.
    std::uint64_t visible(Range queries, Range keys) const;

private:
    /// Blocks side by side of which the same part of each is meant.
    struct Strip {
        Range blocks;
        Range part;
        bool whole = false;
    };
    static std::vector<Strip> strips(Range range, std::int64_t block);
    std::uint64_t visible(const Strip& queries, const Strip& keys) const;
    std::uint8_t at(std::int64_t row, std::int64_t col) const {
        return blocks_[static_cast<std::size_t>(row * cols_ + col)];
    }

    std::int64_t rows_, cols_;
    std::vector<std::uint8_t> blocks_;
    std::shared_ptr<const Patterns> patterns_;
    RectangleSums<std::uint64_t> elements_;      // visible ones of whole blocks
    RectangleSums<std::uint32_t> all_, partly_;  // blocks that are wholly visible, and those that need a look
};

}  // namespace tilemesh::attention
