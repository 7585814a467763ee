// SPDX-License-Identifier: Apache-2.0
// What a mask adds to scores, all kinds together and in f64: for the reference. Kernels have each kind as a tile of
// its own (kernels/attention/score_terms.h).
#pragma once

#include "sim/attention/mask.h"

#include <span>

namespace tilemesh::attention {

/// Does the mask add anything to any score?
bool has_biases(const Mask& mask);
/// Adds biases of one query and keys.begin + i to scores[i]; -inf where a bias hides.
/// In the order in which kernels add them; to `roundings`, if given, come the squares of what each addition rounds
/// before the sum that is there at the end: the bias and, but for the first, the sum so far.
void add_biases(const Mask& mask, Viewer viewer, std::int64_t query_position, Range keys, std::span<double> scores,
                std::span<double> roundings = {});

}  // namespace tilemesh::attention
