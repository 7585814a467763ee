// SPDX-License-Identifier: Apache-2.0
// The ladder of local kernels, from the textbook to what the mask leaves: one PE, or the PEs of one cube with the kv
// heads divided among them. What the third rung, `flash`, gains by overlap is what every distributed schedule builds
// on: it is the attention kernel (kernels/attention) under head_parallel's table, so there is no second text of it.
#pragma once

#include "sim/attention/kernel.h"

#include <optional>
#include <string>

namespace tilemesh::kernels {

using attention::Launch;

void standard(tl::Context& tl, const Launch& launch);
attention::Tiling plan_standard(const attention::Problem& problem, const attention::NeedSets& needs,
                                const attention::Schedule& schedule, std::int64_t heads,
                                const attention::Device& device, const attention::Tiling& request,
                                std::string& why_not);

std::optional<std::string> standard_refuses(const attention::Problem& problem, const attention::RankGrid& grid,
                                            std::int64_t heads);

void blockwise(tl::Context& tl, const Launch& launch);  // tiles as plan_attention chooses them

void block_sparse(tl::Context& tl, const Launch& launch);
attention::Tiling plan_block_sparse(const attention::Problem& problem, const attention::NeedSets& needs,
                                    const attention::Schedule& schedule, std::int64_t heads,
                                    const attention::Device& device, const attention::Tiling& request,
                                    std::string& why_not);

void dilated(tl::Context& tl, const Launch& launch);
std::optional<std::string> dilated_refuses(const attention::Problem& problem, const attention::RankGrid& grid,
                                           std::int64_t heads);
attention::Tiling plan_dilated(const attention::Problem& problem, const attention::NeedSets& needs,
                               const attention::Schedule& schedule, std::int64_t heads,
                               const attention::Device& device, const attention::Tiling& request,
                               std::string& why_not);

}  // namespace tilemesh::kernels
