// SPDX-License-Identifier: Apache-2.0
#include "kernels/local/local_blocks.h"

#include "kernels/attention/element_mask.h"
#include "kernels/attention/plan.h"

#include <algorithm>
#include <limits>

namespace tilemesh::kernels {

using attention::Range;
using attention::Tiling;
using attention::Visible;

std::vector<LocalBlock> LocalBlocks::all() const {
    const Tiling& tiling = launch_.tiling;
    std::vector<LocalBlock> blocks;
    for (int user = 0; user < launch_.needs->users(); ++user) {
        const std::int64_t heads = launch_.heads.size(), tokens = launch_.needs->queries(user, 0).size();
        for (std::int64_t head = 0; head < heads; head += tiling.tile_heads)
            for (std::int64_t token = 0; token < tokens; token += tiling.tile_queries)
                blocks.push_back({user,
                                  {head, std::min(head + tiling.tile_heads, heads)},
                                  {token, std::min(token + tiling.tile_queries, tokens)}});
    }
    return blocks;
}

std::vector<Range> LocalBlocks::key_tiles(int user, std::int64_t size) const {
    std::vector<Range> tiles;
    const Range all = keys(user);
    for (std::int64_t begin = all.begin; begin < all.end; begin += size)
        tiles.push_back({begin, std::min(begin + size, all.end)});
    return tiles;
}

Range LocalBlocks::query_heads(const LocalBlock& block) const {
    const std::int64_t group = launch_.problem->group();
    return {(launch_.heads.begin + block.heads.begin) * group, (launch_.heads.begin + block.heads.end) * group};
}

attention::Run LocalBlocks::positions(const LocalBlock& block) const {
    return launch_.needs->query_positions(block.user, 0, block.tokens);
}

Visible LocalBlocks::visible(const LocalBlock& block, Range keys) const {
    return attention::visible(*launch_.problem->mask, {block.user, query_heads(block)}, positions(block),
                              {keys.begin, keys.size(), 1});
}

Tile LocalBlocks::q(const LocalBlock& block) {
    return tl_.load(tl::at(*tensors(block).q, block.heads.begin, block.tokens.begin * launch_.problem->group()),
                    Shape{block.heads.size(), rows(block), launch_.problem->head_dim}, launch_.problem->dtype);
}

Tile LocalBlocks::k(const LocalBlock& block, Range keys) {
    return tl_.load(tl::at(*tensors(block).k, block.heads.begin, keys.begin),
                    Shape{block.heads.size(), keys.size(), launch_.problem->head_dim}, launch_.problem->dtype);
}

Tile LocalBlocks::v(const LocalBlock& block, Range keys, const Tile& k) {
    if (launch_.problem->latents) return tl_.slice(k, 2, 0, launch_.problem->value_dim);
    return tl_.load(tl::at(*tensors(block).v, block.heads.begin, keys.begin),
                    Shape{block.heads.size(), keys.size(), launch_.problem->value_dim}, launch_.problem->dtype);
}

Tile LocalBlocks::mask(const LocalBlock& block, Range keys) {
    return element_mask(tl_, *launch_.problem, block.user, query_heads(block), positions(block),
                        {keys.begin, keys.size(), 1});
}

Tile LocalBlocks::bias(const LocalBlock& block, Range keys) {
    Tensor* tensor = tensors(block).bias;
    if (!tensor) return {};
    return tl_.load(tl::at(*tensor, 0, 0, keys.begin), Shape{1, 1, keys.size()}, Dtype::f32);
}

Tile LocalBlocks::scores(const LocalBlock& block, const Tile& q, const Tile& k, Range keys) {
    Tile scores = tl_.dot(q, tl_.trans(k));
    if (const Tile bias = this->bias(block, keys)) scores = scores + bias;
    scores = scores * static_cast<float>(launch_.problem->scale);
    if (visible(block, keys) != Visible::all)
        scores = tl_.where(mask(block, keys), scores, -std::numeric_limits<float>::infinity());
    return scores;
}

void LocalBlocks::store(const LocalBlock& block, const Result& result) {
    const std::int64_t row = block.tokens.begin * launch_.problem->group();
    tl_.store(tl::at(*tensors(block).o, block.heads.begin, row), result.o);
    tl_.store(tl::at(*tensors(block).lse, block.heads.begin, row), result.lse);
}

Result LocalBlocks::nothing(const LocalBlock& block) {
    return nothing_visible(tl_, Shape{block.heads.size(), rows(block), launch_.problem->value_dim},
                           launch_.problem->output_dtype());
}

Tiling plan_preferring(const Tiling& preferred, const attention::Problem& problem, const attention::NeedSets& needs,
                       const attention::Schedule& schedule, std::int64_t heads, const attention::Device& device,
                       const Tiling& request, std::string& why_not) {
    std::string does_not_fit;
    const Tiling tiling = plan_attention(problem, needs, schedule, heads, device, preferred, does_not_fit);
    if (does_not_fit.empty()) return tiling;
    return plan_attention(problem, needs, schedule, heads, device, request, why_not);
}

}  // namespace tilemesh::kernels
