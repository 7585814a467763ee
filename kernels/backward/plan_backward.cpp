// SPDX-License-Identifier: Apache-2.0
// How the backward kernel cuts its work. All query blocks stay in SRAM if they fit; chunks and gradients are staged
// in HBM always, a tile of keys is used long enough for that to cost nothing.
#include "kernels/attention/plan.h"
#include "kernels/attention/score_terms.h"
#include "kernels/backward/backward.h"

#include "sim/attention/traffic.h"

#include <algorithm>

namespace tilemesh::kernels {
namespace {

using attention::NeedSets;
using attention::Problem;
using attention::Schedule;
using attention::Tiling;

/// Query blocks in SRAM when they come and go: one on its way in, three in the stages, one on its way out.
constexpr std::int64_t blocks_in_turn = 5;
constexpr std::int64_t launched_block = 128;  // queries, keys

/// Queries of all users on the rank that has most.
std::int64_t most_queries(const NeedSets& needs) {
    std::int64_t most = 1;
    for (int rank = 0; rank < needs.ranks(); ++rank) {
        std::int64_t queries = 0;
        for (int user = 0; user < needs.users(); ++user) queries += needs.queries(user, rank).size();
        most = std::max(most, queries);
    }
    return most;
}

/// `query_rows`: (query head, query) pairs in SRAM beside the block in work.
double sram_needed(const Problem& problem, const Tiling& tiling, std::int64_t heads, std::int64_t query_rows,
                   bool travels) {
    const auto width = static_cast<std::int64_t>(bytes_per_element(problem.dtype));
    const auto output = static_cast<std::int64_t>(bytes_per_element(problem.output_dtype()));  // operands too
    const std::int64_t d = problem.head_dim, dv = problem.value_dim;
    const double rows = product(tiling.tile_heads, tiling.tile_queries, problem.group());
    // Scores and dp of the next block; dp, and two of scores, exponents, p and ds in f32; the element mask; p and ds
    // as operands of this block and of the one before; columns while the tile's maximum is found.
    const double temporaries = rows * product(tiling.tile_keys * (2 * 4 + 4 + 3 * 4 + 1 + 4 * output) + 6 * 4);
    // The slope of the cap beside them: tanh, the slope, and the product with it.
    const double cap = problem.soft_cap > 0.0 ? rows * product(tiling.tile_keys * 2 * 4) : 0.0;
    // Before there are any scores: do, o, do in f32, their product; m, l and what is made of them.
    const double beginning = rows * product(dv * (output + 4 + 8) + 8 * 4);
    const auto query_row = d * width + dv * output + 4 * 4 + 4 * d;
    // The new dq beside the old one, the scaled one, and what is stored.
    const double working = rows * product(d, 3 * 4 + output);
    const double keys = product(tiling.tile_heads, tiling.tile_keys);
    // Tiles of keys: ahead, in use, in both later stages. Their gradients: old and new, in two tiles, and as stored.
    // With latents dv becomes part of dk in a tile of its own.
    const double key_tiles = keys * product(problem.key_columns() * 4 * width + (d + dv) * (output - width + 5 * 4) +
                                            (problem.latents ? 2 * dv * 4 : 0));
    // Pieces of chunks and of gradients on their way, two each, both ways; and two gradients being summed.
    const double pieces = travels ? product(heads, tiling.piece_keys, problem.key_columns(), 4 * width + 6 * 4) : 0.0;
    // Columns from which the gradient of the sinks is made, and its sums: own, received, new.
    const double sinks = problem.sinks.empty() ? 0.0 : 4 * (6 * rows + 4 * product(heads, problem.group()));
    return std::max(temporaries + cap, beginning) + term_bytes(problem, tiling) + sinks +
           product(query_rows, query_row) + working + key_tiles + pieces;
}

}  // namespace

Tiling plan_backward(const Problem& problem, const NeedSets& needs, const Schedule& schedule, std::int64_t heads,
                     const attention::Device& device, const Tiling& request, std::string& why_not) {
    const LongestRuns longest = longest_runs(needs);
    const bool travels = attention::count(schedule).chunk_transfers > 0;
    const bool launched = request.launches != attention::Launches::fused;
    Tiling tiling = request;
    tiling.tile_heads = chosen(request.tile_heads, heads);
    tiling.tile_queries = chosen(request.tile_queries, longest.queries);
    tiling.tile_keys = chosen(request.tile_keys, longest.keys);
    if (launched) {
        // The blocks of fused kernels on GPUs: larger ones would compute more of what a mask hides.
        tiling.tile_queries = chosen(request.tile_queries, std::min(longest.queries, launched_block));
        tiling.tile_keys = chosen(request.tile_keys, std::min(longest.keys, launched_block));
    }
    tiling.piece_keys = request.piece_keys > 0 ? chosen(request.piece_keys, longest.keys) : tiling.tile_keys;
    tiling.fold_keys = device.matrix_cols;
    const auto needed = [&](std::int64_t rows) { return sram_needed(problem, tiling, heads, rows, travels); };
    const std::int64_t all_rows = most_queries(needs) * heads * problem.group();
    const auto least = [&] {
        const std::int64_t block = tiling.tile_heads * tiling.tile_queries * problem.group();
        return needed(std::min(blocks_in_turn * block, all_rows));
    };
    const std::int64_t token_unit = std::max<std::int64_t>(1, device.matrix_rows / problem.group());
    const double sram = product(device.sram_bytes);
    while (least() > sram) {
        const std::int64_t rows = tiling.tile_queries * problem.group();
        const bool pieces_open = request.piece_keys == 0 && tiling.piece_keys > 1 && travels;
        const bool keys_open = request.tile_keys == 0 && tiling.tile_keys > 1;
        const bool queries_open = request.tile_queries == 0 && tiling.tile_queries > 1;
        const bool heads_open = request.tile_heads == 0 && tiling.tile_heads > 1;
        const double for_pieces = needed(0) - [&] {
            Tiling probe = tiling;
            probe.piece_keys = 0;
            return sram_needed(problem, probe, heads, 0, travels);
        }();
        // Below 256 rows and 512 keys of a block the matrix engine fills and drains more than it works, and dq goes
        // to HBM and back more often than the products hide.
        if (pieces_open && for_pieces > sram / 4) {
            halve(tiling.piece_keys);
        } else if (heads_open) {
            halve(tiling.tile_heads);
        } else if (queries_open && rows > 256) {
            halve(tiling.tile_queries, token_unit);
        } else if (keys_open && (tiling.tile_keys > 512 || tiling.tile_keys >= rows || !queries_open)) {
            halve(tiling.tile_keys, device.matrix_cols);
        } else if (queries_open) {
            halve(tiling.tile_queries, token_unit);
        } else if (pieces_open) {
            halve(tiling.piece_keys);
        } else {
            why_not = fmt::format(
                "tiles of {} kv heads x {} queries x {} keys (pieces of {} keys) need {:.0f} bytes of SRAM in a "
                "backward "
                "pass, the PE has {}",
                tiling.tile_heads, tiling.tile_queries, tiling.tile_keys, tiling.piece_keys, least(),
                device.sram_bytes);
            return tiling;
        }
    }
    tiling.queries_stay = !launched && needed(all_rows) <= sram;
    if (launched) {
        // Fewer heads at once, if then their queries stay while all keys stream past.
        const std::int64_t queries = most_queries(needs) * problem.group();
        Tiling fewer = tiling;
        const auto stays = [&] {
            return sram_needed(problem, fewer, heads, fewer.tile_heads * queries, travels) <= sram;
        };
        while (!stays() && request.tile_heads == 0 && fewer.tile_heads > 1) halve(fewer.tile_heads);
        if (stays()) {
            tiling = fewer;
            tiling.group_blocks = (most_queries(needs) + tiling.tile_queries - 1) / tiling.tile_queries;
        }
    }
    return tiling;
}

}  // namespace tilemesh::kernels
