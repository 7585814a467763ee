// SPDX-License-Identifier: Apache-2.0
// How the attention kernel cuts its work: blocks of queries and keys that fill the SRAM with double buffering, and
// pieces in which chunks travel.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

/// Chooses what the request leaves open. `heads`: kv heads of the PE that has most. `why_not` says what does not fit.
attention::Tiling plan_attention(const attention::Problem& problem, const attention::NeedSets& needs,
                                 const attention::Schedule& schedule, std::int64_t heads,
                                 const attention::Device& device, const attention::Tiling& request,
                                 std::string& why_not);

/// SRAM a PE needs under a tiling, with so many rows of queries and of states beside the block in work.
std::uint64_t sram_needed(const attention::Problem& problem, const attention::Tiling& tiling, std::int64_t heads,
                          std::int64_t query_rows, std::int64_t state_rows);

}  // namespace tilemesh::kernels
