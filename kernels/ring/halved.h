// SPDX-License-Identifier: Apache-2.0
// The rows of a closed ring that runs both ways with the opposite chunk halved, along any order of the ranks.
#pragma once

#include "sim/attention/schedule.h"

#include <vector>

namespace tilemesh::kernels {

void halved_ring(attention::Schedule& schedule, const attention::NeedSets& needs, const std::vector<int>& order);

}  // namespace tilemesh::kernels
