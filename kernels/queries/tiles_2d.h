// SPDX-License-Identifier: Apache-2.0
// What tiles_2d cannot run on (and two_orientation, which needs the same).
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

std::optional<std::string> tiles_2d_refuses(const attention::Problem& problem, const attention::RankGrid& grid,
                                            std::int64_t heads);

}  // namespace tilemesh::kernels
