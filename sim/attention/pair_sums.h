// SPDX-License-Identifier: Apache-2.0
// The inner part of the f64 reference of the backward pass. Its two halves are one computation with the sides
// swapped: an item (a query, or a key) has two vectors a and b, meets the items a', b' of the other side one tile at
// a time, and sums them up with weights that depend on the products a.a' and b.b'. Which items meet and with what
// weights is the caller's matter (reference_gradients.cpp).
#pragma once

#include "sim/attention/reference_arithmetic.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tilemesh::attention {

class PairSums {
public:
    static constexpr std::int64_t tile_items = 64;
    static_assert(tile_items % panel_columns == 0);

    /// Vectors a have a_dim elements and vectors b b_dim. Sums of b' are computed only `with_b`.
    PairSums(std::int64_t a_dim, std::int64_t b_dim, bool with_b);

    /// How many rows are best worked on together: many reuse a tile, few stay in the caches.
    static std::int64_t row_capacity(std::int64_t a_dim, std::int64_t b_dim);

    /// Begins with new rows, at most row_capacity of them: all vectors and sums are 0.
    void reset();
    std::span<double> row_a(std::int64_t row) { return vector(rows_a_, row, a_.dim); }
    std::span<double> row_b(std::int64_t row) { return vector(rows_b_, row, b_.dim); }
    std::span<double> item_a(std::int64_t item) { return vector(a_.items, item, a_.dim); }
    std::span<double> item_b(std::int64_t item) { return vector(b_.items, item, b_.dim); }

    /// Rows first .. last - 1 meet the tile's first `items` items, which have been filled. weigh(row, a, b) is called
    /// once per row with the products, a[j] = a.a'[j] and b[j] = b.b'[j], and replaces them by the weights with which
    /// a'[j] and b'[j] go into the row's sums.
    template <class Weigh>
    void meet(std::int64_t first, std::int64_t last, std::int64_t items, const Weigh& weigh) {
        multiply(first, last, items);
        for (std::int64_t row = first; row < last; ++row) {
            weigh(row, vector(a_.pairs, row, tile_items).first(static_cast<std::size_t>(items)),
                  vector(b_.pairs, row, tile_items).first(static_cast<std::size_t>(items)));
        }
        add(first, last, items);
    }

    std::span<const double> sum_a(std::int64_t row) { return vector(a_.sums, row, a_.columns, a_.dim); }
    std::span<const double> sum_b(std::int64_t row) { return vector(b_.sums, row, b_.columns, b_.dim); }

private:
    /// What there is once for a and once for b.
    struct Side {
        Side(std::int64_t dim, std::int64_t rows);
        std::int64_t dim, columns;   // columns: dim rounded up to whole panels
        std::vector<double> items;   // [tile_items, dim]
        std::vector<double> packed;  // the items as the right-hand side of a product
        std::vector<double> pairs;   // [rows, tile_items]: products, then weights
        std::vector<double> sums;    // [rows, columns]
    };

    static std::span<double> vector(std::vector<double>& all, std::int64_t row, std::int64_t stride,
                                    std::int64_t dim = -1) {
        return std::span(all).subspan(static_cast<std::size_t>(row * stride),
                                      static_cast<std::size_t>(dim < 0 ? stride : dim));
    }
    void multiply(std::int64_t first, std::int64_t last, std::int64_t items);
    void multiply(Side& side, const std::vector<double>& rows, std::int64_t first, std::int64_t count,
                  std::int64_t items);
    void add(std::int64_t first, std::int64_t last, std::int64_t items);
    void add(Side& side, std::int64_t first, std::int64_t last, std::int64_t items);

    const ReferenceArithmetic arithmetic_ = reference_arithmetics().front();
    const bool with_b_;
    Side a_, b_;
    std::vector<double> rows_a_, rows_b_;  // [row_capacity, dim]
};

}  // namespace tilemesh::attention
