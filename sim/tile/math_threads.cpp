// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/math_threads.h"

// From the OpenMP runtime that oneDNN itself is linked with; declared here so that no OpenMP compiler flag is needed.
extern "C" void omp_set_num_threads(int);

namespace tilemesh {

void use_one_math_thread() { omp_set_num_threads(1); }

}  // namespace tilemesh
