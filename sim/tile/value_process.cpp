// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/value_process.h"

#include <malloc.h>

// From the OpenMP runtime that oneDNN itself is linked with; declared here so that no OpenMP compiler flag is needed.
extern "C" void omp_set_num_threads(int);

namespace tilemesh {

void prepare_process_for_values() {
    omp_set_num_threads(1);
    constexpr int keep = 1 << 30;
    mallopt(M_MMAP_THRESHOLD, keep);
    mallopt(M_TRIM_THRESHOLD, keep);
}

}  // namespace tilemesh
