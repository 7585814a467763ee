// SPDX-License-Identifier: Apache-2.0
// What a backward pass has in a PE's HBM beside q, k, v and o: m, l and the gradient of the output, the gradients it
// makes, and room for sums that do not stay in SRAM or come from elsewhere.
#pragma once

#include "sim/workloads/attention/layout.h"

#include <functional>
#include <vector>

namespace tilemesh::workloads {

/// [heads, rows, cols] in the HBM of the PE in question.
using MakeTensor = std::function<Tensor*(const SharedText& name, std::int64_t heads, std::int64_t rows,
                                         std::int64_t cols, Dtype dtype)>;

/// Completes a launch of a backward pass that has its own q, k, v and o. `inputs` and `forward` are null when
/// nothing has values.
void add_gradient_tensors(attention::Launch& launch, const MakeTensor& make, const attention::Inputs* inputs,
                          const std::vector<ForwardResult>* forward);

}  // namespace tilemesh::workloads
