// SPDX-License-Identifier: Apache-2.0
// The one kernel of the backward pass: executes any backward table in which queries stay where they are. Its plan is
// here too; what it computes per block is in block.h.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

void backward_kernel(tl::Context& tl, const attention::Launch& launch);

/// As plan_attention: chooses what the request leaves open, or says what does not fit.
attention::Tiling plan_backward(const attention::Problem& problem, const attention::NeedSets& needs,
                                const attention::Schedule& schedule, std::int64_t heads,
                                const attention::Device& device, const attention::Tiling& request,
                                std::string& why_not);

}  // namespace tilemesh::kernels
