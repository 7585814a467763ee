// SPDX-License-Identifier: Apache-2.0
// Integers that commands compute: in 64 bits, wrapping as their type does, where f32 would hold 24 bits of them; and
// the bits of floats.
#pragma once

#include "sim/tile/evaluate.h"

namespace tilemesh {

/// Is this command work on integers? Those of sampled rows are computed as floats.
bool works_on_integers(const ValueStep& step);
PayloadPtr evaluate_integers(ValueStep& step);
/// Does it make integers of floats that f32 does not hold up to the ends of their range?
bool makes_integers(const ValueStep& step);
/// The nearest, or towards 0, as the command says; beyond the ends of the range these, 0 of what is no number.
PayloadPtr evaluate_made_integers(ValueStep& step);
/// Integers of reductions and scans along an axis.
bool reduces_integers(const ValueStep& step);
PayloadPtr evaluate_integers_along(ValueStep& step);

/// The number that an integer of 64 bits is in a type, and a float's bits as an integer.
std::int64_t wrapped(Dtype dtype, std::int64_t value);
std::int64_t bits_of(Dtype dtype, float value);
float float_of_bits(Dtype dtype, std::int64_t bits);

}  // namespace tilemesh
