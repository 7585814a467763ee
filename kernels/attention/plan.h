// SPDX-License-Identifier: Apache-2.0
// How the attention kernel cuts its work: blocks of queries and keys that fill the SRAM with double buffering, and
// pieces in which chunks travel.
#pragma once

#include "sim/attention/kernel.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace tilemesh::kernels {

/// Chooses what the request leaves open. `heads`: kv heads of the PE that has most. `why_not` says what does not fit.
attention::Tiling plan_attention(const attention::Problem& problem, const attention::NeedSets& needs,
                                 const attention::Schedule& schedule, std::int64_t heads,
                                 const attention::Device& device, const attention::Tiling& request,
                                 std::string& why_not);

/// SRAM in bytes that a PE needs under a tiling, with so many rows of queries and of states beside the block in work.
/// Like all sizes of plans an f64: exact below 2^53, and what is beyond 64 bits stays beyond.
double sram_needed(const attention::Problem& problem, const attention::Tiling& tiling, std::int64_t heads,
                   std::int64_t query_rows, std::int64_t state_rows);

/// Of sizes, as such an f64.
template <typename... Sizes>
double product(Sizes... sizes) {
    return (static_cast<double>(sizes) * ...);
}

/// What every plan is made of: sizes that start at the longest run, or at what was asked for, and are halved until
/// everything fits.
struct LongestRuns {
    std::int64_t queries = 1;
    std::int64_t keys = 1;
};
/// Of any rank and user: no tile crosses two runs.
LongestRuns longest_runs(const attention::NeedSets& needs);
/// `asked` where it is given (not 0), and never more than `most`.
inline std::int64_t chosen(std::int64_t asked, std::int64_t most) { return std::min(asked > 0 ? asked : most, most); }
/// Halves, to a multiple of `unit` where there is more than one of it.
void halve(std::int64_t& value, std::int64_t unit = 1);

}  // namespace tilemesh::kernels
