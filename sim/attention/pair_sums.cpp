// SPDX-License-Identifier: Apache-2.0
// Packing tiles and multiplying them. Products work on multiples of 8 rows from a multiple of 8 on and on whole
// panels of items: what is computed beyond the rows and items asked for is not used, or has weight 0.
#include "sim/attention/pair_sums.h"

#include <algorithm>

namespace tilemesh::attention {
namespace {

std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
std::int64_t row_begin(std::int64_t first) { return first / row_multiple * row_multiple; }

}  // namespace

PairSums::Side::Side(std::int64_t given_dim, std::int64_t rows)
    : dim(given_dim),
      columns(round_up(dim, panel_columns)),
      items(size(tile_items * dim)),
      packed(size(tile_items * columns)),
      pairs(size(rows * tile_items)),
      sums(size(rows * columns)) {}

PairSums::PairSums(std::int64_t a_dim, std::int64_t b_dim, bool with_b)
    : with_b_(with_b),
      a_(a_dim, row_capacity(a_dim, b_dim)),
      b_(b_dim, row_capacity(a_dim, b_dim)),
      rows_a_(size(row_capacity(a_dim, b_dim) * a_dim)),
      rows_b_(size(row_capacity(a_dim, b_dim) * b_dim)) {}

std::int64_t PairSums::row_capacity(std::int64_t a_dim, std::int64_t b_dim) {
    const std::int64_t fitting = (std::int64_t{1} << 20) / (a_dim + b_dim);
    return std::clamp<std::int64_t>(fitting / row_multiple * row_multiple, row_multiple, 128);
}

void PairSums::reset() {
    for (std::vector<double>* values : {&rows_a_, &rows_b_, &a_.sums, &b_.sums}) {
        std::fill(values->begin(), values->end(), 0.0);
    }
}

void PairSums::multiply(std::int64_t first, std::int64_t last, std::int64_t items) {
    const std::int64_t begin = row_begin(first), count = round_up(last - begin, row_multiple);
    multiply(a_, rows_a_, begin, count, items);
    multiply(b_, rows_b_, begin, count, items);
}

/// pairs = rows * items transposed: column j of the right-hand side is item j.
void PairSums::multiply(Side& side, const std::vector<double>& rows, std::int64_t first, std::int64_t count,
                        std::int64_t items) {
    for (std::int64_t item = 0; item < items; ++item) {
        const double* const in = side.items.data() + item * side.dim;
        double* const out =
            side.packed.data() + item / panel_columns * side.dim * panel_columns + item % panel_columns;
        for (std::int64_t k = 0; k < side.dim; ++k) out[k * panel_columns] = in[k];
    }
    arithmetic_.multiply({.left = rows.data() + first * side.dim,
                          .left_stride = side.dim,
                          .right = side.packed.data(),
                          .panel_rows = side.dim,
                          .result = side.pairs.data() + first * tile_items,
                          .result_stride = tile_items,
                          .rows = count,
                          .inner = side.dim,
                          .columns = round_up(items, panel_columns),
                          .accumulate = false});
}

void PairSums::add(std::int64_t first, std::int64_t last, std::int64_t items) {
    add(a_, first, last, items);
    if (with_b_) add(b_, first, last, items);
}

/// sums += pairs * items: row j of the right-hand side is item j.
void PairSums::add(Side& side, std::int64_t first, std::int64_t last, std::int64_t items) {
    const std::int64_t begin = row_begin(first), count = round_up(last - begin, row_multiple);
    double* const pairs = side.pairs.data();
    std::fill(pairs + begin * tile_items, pairs + first * tile_items, 0.0);
    std::fill(pairs + last * tile_items, pairs + (begin + count) * tile_items, 0.0);
    for (std::int64_t column = 0; column < side.dim; column += panel_columns) {
        const std::int64_t columns = std::min(panel_columns, side.dim - column);
        for (std::int64_t item = 0; item < items; ++item) {
            const double* const in = side.items.data() + item * side.dim + column;
            double* const out = side.packed.data() + column * tile_items + item * panel_columns;
            std::copy_n(in, columns, out);
            std::fill(out + columns, out + panel_columns, 0.0);
        }
    }
    arithmetic_.multiply({.left = pairs + begin * tile_items,
                          .left_stride = tile_items,
                          .right = side.packed.data(),
                          .panel_rows = tile_items,
                          .result = side.sums.data() + begin * side.columns,
                          .result_stride = side.columns,
                          .rows = count,
                          .inner = items,
                          .columns = side.columns,
                          .accumulate = true});
}

}  // namespace tilemesh::attention
