// SPDX-License-Identifier: Apache-2.0
// Vector work per score: soft cap two operations (a product and tanh), a bias one (an addition), ALiBi one on every
// score (slope times distance) and one per query and key of the block for all heads (their distance, a subtraction;
// two where queries lie among the keys). A bias that all heads share is loaded once and repeated for the rows of a
// group.
#include "kernels/attention/score_terms.h"

#include <cstdlib>
#include <utility>

namespace tilemesh::kernels {

using attention::Range;
using attention::Run;

Tile with_terms(tl::Context& tl, Tile scores, ScoreTerms terms) {
    if (terms.slopes)
        scores = tl.fma(std::exchange(terms.distance, Tile()), terms.slopes, std::exchange(scores, Tile()));
    for (Tile* const bias : {&terms.key_bias, &terms.pair_bias})
        if (*bias) scores = std::exchange(scores, Tile()) + std::exchange(*bias, Tile());
    return scores;
}

Tile capped(tl::Context& tl, const attention::Problem& problem, Tile scores) {
    if (problem.soft_cap == 0.0) return scores;
    scores = std::exchange(scores, Tile()) * static_cast<float>(problem.scale / problem.soft_cap);
    return tl.tanh(scores);  // a statement of its own: the product of q and k need not be held any longer
}

ScoreTerms TermSource::terms(const TermRows& rows, int origin, Range keys) {
    ScoreTerms terms;
    const attention::Mask& mask = *launch_.problem->mask;
    if (mask.pair_bias() != attention::PairBias::none) terms.pair_bias = pair_bias(rows, origin, keys);
    terms.slopes = slopes(rows);
    if (terms.slopes) terms.distance = distance(rows.positions, launch_.needs->keys(rows.user, origin).run(keys));
    return terms;
}

std::int64_t TermSource::before(int user, int origin) const {
    std::int64_t keys = 0;
    for (int rank = 0; rank < origin; ++rank) keys += launch_.needs->keys(user, rank).size();
    return keys;
}

Tile TermSource::key_bias(int user, int origin, Range keys) {
    Tensor* const tensor = launch_.users[static_cast<std::size_t>(user)].bias;
    if (!tensor) return {};
    return tl_.load(tl::at(*tensor, 0, 0, before(user, origin) + keys.begin), Shape{1, 1, keys.size()}, Dtype::f32);
}

Tile TermSource::pair_bias(const TermRows& rows, int origin, Range keys) {
    Tensor& tensor = *launch_.pair_biases.at({rows.user, rows.owner});
    const std::int64_t group = launch_.problem->group(), first = before(rows.user, origin) + keys.begin;
    if (launch_.problem->mask->pair_bias() == attention::PairBias::by_head)
        return tl_.load(tl::at(tensor, rows.heads.begin, rows.tokens.begin * group, first),
                        Shape{rows.heads.size(), rows.tokens.size() * group, keys.size()}, Dtype::f32);
    Tile shared =
        tl_.load(tl::at(tensor, 0, rows.tokens.begin, first), Shape{1, rows.tokens.size(), keys.size()}, Dtype::f32);
    return group == 1 ? shared : tl_.repeat(shared, group, tl::Context::Repeat::each_row);
}

Tile TermSource::distance(const Run& queries, const Run& keys) {
    const std::int64_t group = launch_.problem->group();
    const auto columns = static_cast<std::int32_t>(keys.count);
    const bool apart = keys.hull().end <= queries.first + 1 || queries.hull().end <= keys.first + 1;
    return tl_.fill(
        Shape{1, queries.count * group, keys.count}, Dtype::f32,
        [=](std::int32_t i) {
            return -static_cast<float>(std::abs(queries.at(i / columns / group) - keys.at(i % columns)));
        },
        apart ? 1 : 2);
}

Tile TermSource::column(Column& kept, Tensor* tensor, int user, Range heads, std::int64_t tokens, float factor) {
    const std::int64_t group = launch_.problem->group(), rows = tokens * group;
    const bool there = kept.tile && kept.user == user && kept.heads == heads && kept.factor == factor &&
                       kept.tile.shape().rows() >= rows;
    if (!there) {
        Tile numbers = tl_.load(tl::at(*tensor, heads.begin), Shape{heads.size(), group, 1}, Dtype::f32);
        if (factor != 1.0F) numbers = numbers * factor;
        kept = {user, heads, factor, tl_.repeat(numbers, tokens, tl::Context::Repeat::all_rows)};
    }
    return kept.tile.shape().rows() == rows ? kept.tile : tl_.slice(kept.tile, 1, 0, rows);
}

Tile TermSource::slopes(const TermRows& rows) {
    Tensor* const tensor = launch_.users[static_cast<std::size_t>(rows.user)].slopes;
    return tensor ? column(slopes_, tensor, rows.user, rows.heads, rows.tokens.size(), 1.0F) : Tile();
}

Tile TermSource::sinks(int user, Range heads, std::int64_t tokens, float factor) {
    Tensor* const tensor = launch_.users[static_cast<std::size_t>(user)].sinks;
    return tensor ? column(sinks_, tensor, user, heads, tokens, factor) : Tile();
}

double term_bytes(const attention::Problem& problem, const attention::Tiling& tiling) {
    const auto heads = static_cast<double>(tiling.tile_heads), keys = static_cast<double>(tiling.tile_keys),
               queries = static_cast<double>(tiling.tile_queries);
    const double rows = queries * static_cast<double>(problem.group()), pairs = rows * keys;
    const attention::Mask& mask = *problem.mask;
    double numbers = 0.0;
    // Of the block in work and of the next, as loaded and, where heads share it, as repeated.
    if (mask.pair_bias() == attention::PairBias::by_head) numbers += 2 * heads * pairs;
    if (mask.pair_bias() == attention::PairBias::shared) numbers += 2 * (queries * keys + pairs);
    // The same; columns: those kept, those in use, those to come.
    if (mask.has_slopes()) numbers += 2 * pairs + 3 * heads * rows;
    if (mask.has_key_bias()) numbers += 3 * keys;
    // And those from which a result is made.
    if (!problem.sinks.empty()) numbers += 8 * heads * rows;
    return numbers * static_cast<double>(bytes_per_element(Dtype::f32));
}

}  // namespace tilemesh::kernels
