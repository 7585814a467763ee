// SPDX-License-Identifier: Apache-2.0
// oneDNN's products run on OpenMP threads. Simulations are parallel by process, one per entry, so each uses one.
#pragma once

namespace tilemesh {

/// From now on, matrix products of the calling thread use one core.
void use_one_math_thread();

}  // namespace tilemesh
