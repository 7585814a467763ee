// SPDX-License-Identifier: Apache-2.0
// The one attention kernel: executes any schedule table. What distinguishes mesh_kv from ring_kv or head_parallel is
// the table alone.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

void attention_kernel(tl::Context& tl, const attention::Launch& launch);

}  // namespace tilemesh::kernels
