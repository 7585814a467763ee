// SPDX-License-Identifier: Apache-2.0
// What hamiltonian_ring cannot run on.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

std::optional<std::string> hamiltonian_ring_refuses(const attention::Problem& problem,
                                                    const attention::RankGrid& grid, std::int64_t heads);

}  // namespace tilemesh::kernels
