// SPDX-License-Identifier: Apache-2.0
// Rounding of many values to 8-bit floats; what dtype.h offers to others.
#pragma once

#include "sim/base/dtype.h"

#include <span>

namespace tilemesh::float8 {

/// Rounds each value to `dtype`, one of the 8-bit floats.
void round(Dtype dtype, std::span<float> values);

}  // namespace tilemesh::float8
