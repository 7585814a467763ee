// SPDX-License-Identifier: Apache-2.0
#include "kernels/local/local_blocks.h"

#include "kernels/attention/element_mask.h"
#include "kernels/attention/plan.h"

#include <algorithm>
#include <limits>
#include <numbers>

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

ScoreTerms LocalBlocks::terms(const LocalBlock& block, Range keys) {
    ScoreTerms terms = terms_.terms({block.user, 0, block.heads, block.tokens, positions(block)}, 0, keys);
    terms.key_bias = terms_.key_bias(block.user, 0, keys);
    return terms;
}

Tile LocalBlocks::sinks(const LocalBlock& block, float factor) {
    return terms_.sinks(block.user, block.heads, block.tokens.size(), factor);
}

Tile LocalBlocks::scores(const LocalBlock& block, const Tile& q, const Tile& k, Range keys) {
    const attention::Problem& problem = *launch_.problem;
    Tile scores = with_terms(tl_, capped(tl_, problem, tl_.dot(q, tl_.trans(k))), terms(block, keys));
    scores = std::exchange(scores, Tile()) * static_cast<float>(problem.score_unit());
    if (visible(block, keys) != Visible::all && problem.mask->compare_operations() > 0)
        scores = tl_.where(mask(block, keys), scores, -std::numeric_limits<float>::infinity());
    return scores;
}

void LocalBlocks::finish(const LocalBlock& block, const State& state) {
    store(block, kernels::finish(tl_, state, *launch_.problem, sinks(block, std::numbers::log2e_v<float>)));
}

void LocalBlocks::store(const LocalBlock& block, const Result& result) {
    const std::int64_t row = block.tokens.begin * launch_.problem->group();
    tl_.store(tl::at(*tensors(block).o, block.heads.begin, row), result.o);
    tl_.store(tl::at(*tensors(block).lse, block.heads.begin, row), result.lse);
}

Result LocalBlocks::nothing(const LocalBlock& block) {
    return nothing_visible(tl_, Shape{block.heads.size(), rows(block), launch_.problem->value_dim},
                           launch_.problem->output_dtype(), sinks(block, std::numbers::log2e_v<float>));
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
