// SPDX-License-Identifier: Apache-2.0
// First rung: the whole score matrix. For each kv head all keys and values come into SRAM, and for as many queries as
// fit beside them the scores of whole rows are made, softmax runs over the rows, and the probabilities multiply V.
// Source: Vaswani et al., Attention is all you need, 2017.
// Cost: one PE, no link. SRAM grows with the context: C of a kv head plus 9 bytes per score and row. Vector work: on
// every score, visible or not, a scale, a maximum for lse and a softmax (an exponential and a division); matrix and
// vector take turns.
// Wins: never by time; it is the definition the others are held against, and its text fits ten lines. The rung above
// (blockwise) frees it from holding whole rows and skips blocks that the mask hides.
#include "kernels/attention/plan.h"
#include "kernels/local/local.h"
#include "kernels/local/local_blocks.h"

#include <algorithm>
#include <limits>

namespace tilemesh::kernels {

void standard(tl::Context& tl, const Launch& launch) {
    LocalBlocks blocks(tl, launch);
    Tile k, v;
    for (const LocalBlock& block : blocks.all()) {
        const attention::Range keys = blocks.keys(block.user);
        if (keys.empty()) {
            blocks.store(block, blocks.nothing(block));
            continue;
        }
        if (block.tokens.begin == 0) {  // the first block of a head
            k = v = Tile();
            k = blocks.k(block, keys);
            v = blocks.v(block, keys, k);
        }
        Tile scores = blocks.scores(block, blocks.q(block), k, keys);
        const Tile m = tl.max(scores);
        Tile p = tl.softmax(scores);
        scores = Tile();
        // The greatest probability is e^(m - m) / l, so lse = m + log l = m - log(max p). A row that sees nothing has
        // m = -inf and p = 0; the smallest number in place of that 0 leaves lse at -inf.
        const Tile lse = m - tl.log(tl.maximum(tl.max(p), std::numeric_limits<float>::min()));
        p = tl.cast(p, launch.problem->probability());
        Tile o = tl.dot(p, v);
        if (launch.problem->scales.v != 1.0) o = o * static_cast<float>(launch.problem->scales.v);
        const Tile sink = blocks.sinks(block, 1.0F);
        if (!sink) {
            blocks.store(block, {tl.cast(o, launch.problem->output_dtype()), lse});
            continue;
        }
        // The sink is one more score, of value 0: of all the weight the keys keep e^(lse - lse with it).
        const Tile most = tl.maximum(tl.maximum(lse, sink), lowest_score), keys_weigh = tl.exp(lse - most);
        const Tile sum = keys_weigh + tl.exp(sink - most);
        const Tile kept = keys_weigh / tl.maximum(sum, std::numeric_limits<float>::min());
        blocks.store(block, {tl.cast(o * kept, launch.problem->output_dtype()), most + tl.log(sum)});
    }
}

std::optional<std::string> standard_refuses(const attention::Problem& problem, const attention::RankGrid&,
                                            std::int64_t) {
    if (!is_fp8(problem.probability())) return {};
    return fmt::format(
        "its p is divided by the sum before the product, and most of a long row is 0 in {}; leave out "
        "probability_dtype",
        name_of(problem.probability()));
}

attention::Tiling plan_standard(const attention::Problem& problem, const attention::NeedSets& needs,
                                const attention::Schedule&, std::int64_t, const attention::Device& device,
                                const attention::Tiling& request, std::string& why_not) {
    attention::Tiling tiling;
    tiling.tile_heads = 1;  // and all keys, whatever was asked for
    tiling.tile_queries = tiling.tile_keys = 1;
    for (int user = 0; user < needs.users(); ++user) {
        tiling.tile_keys = std::max(tiling.tile_keys, needs.keys(user, 0).size());
        tiling.tile_queries = std::max(tiling.tile_queries, needs.queries(user, 0).size());
    }
    tiling.piece_keys = tiling.tile_keys;
    if (request.tile_queries > 0) tiling.tile_queries = std::min(request.tile_queries, tiling.tile_queries);
    const auto width = static_cast<std::int64_t>(bytes_per_element(problem.dtype));
    const auto output = static_cast<std::int64_t>(bytes_per_element(problem.output_dtype()));
    const double keys_and_values = product(tiling.tile_keys, problem.key_columns(), width);
    // Per score: before and after hiding in f32, the element mask, and what the cap is made from; a bias of all keys
    // beside them. Per row: q, the output in f32, with its scale, and as stored, and maxima.
    const std::int64_t per_row = tiling.tile_keys * (4 + 4 + 1 + (problem.soft_cap > 0.0 ? 4 : 0)) +
                                 problem.head_dim * width +
                                 problem.value_dim * (4 + output + (problem.scales.v != 1.0 ? 4 : 0)) + 4 * 4;
    const auto bytes = [&] {
        return keys_and_values + product(tiling.tile_keys, 4) + term_bytes(problem, tiling) +
               product(tiling.tile_queries, problem.group(), per_row);
    };
    const double sram = product(device.sram_bytes);
    while (bytes() > sram && request.tile_queries == 0 && tiling.tile_queries > 1)
        tiling.tile_queries = (tiling.tile_queries + 1) / 2;
    if (bytes() > sram) {
        why_not = fmt::format(
            "whole rows do not fit: {} quer{} x {} keys with the keys and values of a head need {:.0f} bytes of "
            "SRAM, "
            "the PE has {} (blockwise has no such limit)",
            tiling.tile_queries, tiling.tile_queries == 1 ? "y" : "ies", tiling.tile_keys, bytes(),
            device.sram_bytes);
    }
    return tiling;
}

}  // namespace tilemesh::kernels
