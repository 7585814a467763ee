// SPDX-License-Identifier: Apache-2.0
// Values of a spread matrix product: sixteen neighbouring elements of a row of the result at a time, summed block of
// K by block of K as the plan has them, held against exact sums.
#pragma once

#include "sim/report/result.h"
#include "sim/workloads/product/panel.h"

#include <span>

namespace tilemesh::workloads {

/// Elements of a row that share an exponent, and that are followed together.
inline constexpr std::uint64_t sharing = 16;

/// What storing does to up to sixteen values that share an exponent (bfloat16: each has its own). Blocks keep sign
/// and 7 or 3 bits of magnitude, relative to the largest of them, to nearest, ties to even.
void round_to_format(product::Format format, std::span<float> values);

/// Of all groups of elements, or of a sample of them.
report::VerdictResult judge_product(const ProductPanel& panel, const product::Plan& plan);

/// Multiplications that values in full would take.
std::uint64_t multiplications(const product::Shape& shape);

}  // namespace tilemesh::workloads
