// SPDX-License-Identifier: Apache-2.0
// The two inner loops of the f64 reference: a product of small matrices and the running softmax of one row. Each is
// one text compiled for several instruction sets; the machine decides at run time which one is used. Results of
// different sets may differ in the last bits of a double, because sums associate differently.
#pragma once

#include "sim/attention/error_model.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace tilemesh::attention {

/// Right-hand matrices are stored in panels of this many columns, so that the product reads memory in order.
constexpr std::int64_t panel_columns = 16;
/// Row counts of products are multiples of this.
constexpr std::int64_t row_multiple = 8;

constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

/// result[rows x columns] (+)= left[rows x inner] * right[inner x columns]. Element (k, c) of right is at
/// right[(c / 16 * panel_rows + k) * 16 + c % 16]. rows is a multiple of 8 and columns of 16.
struct Product {
    const double* left = nullptr;
    std::int64_t left_stride = 0;
    const double* right = nullptr;
    std::int64_t panel_rows = 0;
    double* result = nullptr;
    std::int64_t result_stride = 0;
    std::int64_t rows = 0, inner = 0, columns = 0;
    bool accumulate = false;
};

/// Running maximum and sum of exponentials of one row.
struct RunningSoftmax {
    double maximum = 0.0;  // -inf before the first visible key
    double sum = 0.0;
};

/// The weights of one row and tile that absorb() left, and |v| and n (error_model.h) of the tile's keys; a multiple
/// of 16.
struct WeightedKeys {
    const double* weights = nullptr;
    const double* values = nullptr;
    const double* noise = nullptr;
    std::int64_t count = 0;
    double lost_below = 0.0;  // weights below this are rounded to 0
    double sum = 1.0;         // of the row's weights so far
    int digits_beyond = 0;    // error_model.h, of the type of p
};

struct ReferenceArithmetic {
    std::string_view instruction_set;
    void (*multiply)(const Product&);
    /// Replaces `count` scaled scores (a multiple of 16; hidden ones are -inf) by exp(score - new maximum), takes
    /// them into `state`, and returns the factor by which everything summed before must be multiplied.
    double (*absorb)(double* scores, std::int64_t count, RunningSoftmax& state);
    /// Adds what the error analysis of a row needs of a tile.
    void (*measure)(const WeightedKeys& tile, RowMoments& moments);
};

/// Every version that this machine can run, the one with the widest vectors first.
std::vector<ReferenceArithmetic> reference_arithmetics();

}  // namespace tilemesh::attention
