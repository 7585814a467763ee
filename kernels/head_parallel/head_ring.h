// SPDX-License-Identifier: Apache-2.0
// What head_ring and ulysses cannot run.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

std::optional<std::string> head_ring_refuses(const attention::Problem& problem, const attention::RankGrid& grid,
                                             std::int64_t heads);
std::optional<std::string> ulysses_refuses(const attention::Problem& problem, const attention::RankGrid& grid,
                                           std::int64_t heads);

}  // namespace tilemesh::kernels
