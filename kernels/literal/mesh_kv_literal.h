// SPDX-License-Identifier: Apache-2.0
// A specimen, kept for its test and its cost: the naive bidirectional ring-K/V kernel this project started from, with
// its arithmetic and its order of issue as they were. It is wrong, and slow, in instructive ways; see
// mesh_kv_literal.cpp.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

void mesh_kv_literal(tl::Context& tl, const attention::Launch& launch);
std::optional<std::string> mesh_kv_literal_refuses(const attention::Problem& problem, const attention::RankGrid& grid,
                                                   std::int64_t);
attention::Tiling plan_literal(const attention::Problem& problem, const attention::NeedSets& needs,
                               const attention::Schedule& schedule, std::int64_t heads,
                               const attention::Device& device, const attention::Tiling& request,
                               std::string& why_not);

}  // namespace tilemesh::kernels
