// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/plan.h"

#include <algorithm>

namespace tilemesh::kernels {
namespace {

using attention::Device;
using attention::NeedSets;
using attention::Problem;
using attention::Tiling;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The largest query and key shards of any rank and user.
struct Shards {
    std::int64_t queries = 1;
    std::int64_t keys = 1;
};

Shards largest_shards(const NeedSets& needs) {
    Shards shards;
    for (int user = 0; user < needs.users(); ++user) {
        for (int rank = 0; rank < needs.ranks(); ++rank) {
            shards.queries = std::max(shards.queries, needs.queries_of(user, rank).size());
            shards.keys = std::max(shards.keys, needs.keys_of(user, rank).size());
        }
    }
    return shards;
}

/// Blocks in SRAM when groups of `group` take turns: one group in work, one on its way in, and two blocks of the one
/// before that are still in the pipeline of stages.
std::int64_t blocks_for(std::int64_t group) { return 2 * group + 2; }

/// Query blocks of one PE for its largest user.
std::int64_t query_blocks(const Shards& shards, const Tiling& tiling, std::int64_t heads) {
    return ceil_div(heads, tiling.tile_heads) * ceil_div(shards.queries, tiling.tile_queries);
}

/// Registers of states where partial results are merged: own, and prefix and suffix in two copies each while they
/// pass.
constexpr int merging_copies = 5;

/// Query blocks of all users together, on the PE that has most: states that stay are there side by side.
std::int64_t all_query_blocks(const NeedSets& needs, const Tiling& tiling, std::int64_t heads) {
    std::int64_t most = 1;
    for (int rank = 0; rank < needs.ranks(); ++rank) {
        std::int64_t blocks = 0;
        for (int user = 0; user < needs.users(); ++user)
            blocks += ceil_div(heads, tiling.tile_heads) *
                      ceil_div(needs.queries_of(user, rank).size(), tiling.tile_queries);
        most = std::max(most, blocks);
    }
    return most;
}

}  // namespace

std::uint64_t sram_needed(const Problem& problem, const Tiling& tiling, std::int64_t heads,
                          std::int64_t blocks_in_sram, int state_copies) {
    const auto width = static_cast<std::int64_t>(bytes_per_element(problem.dtype));
    const std::int64_t rows = tiling.tile_heads * tiling.tile_queries * problem.group();
    const std::int64_t scores = rows * tiling.tile_keys;
    // One block's scores of the next block, scores, shifted scores, exponentials in f32 and in the storage type, and
    // the element mask: what can be alive at once when the command processor runs one block ahead.
    const std::int64_t temporaries = scores * (4 * 4 + width + 1);
    const std::int64_t state = rows * (4 * problem.value_dim + 8);
    const std::int64_t query = rows * problem.head_dim * width;
    // Outputs of the block in work: the corrected and the new o, m, l, and the final o.
    const std::int64_t working = 2 * state + rows * problem.value_dim * (4 + width);
    const std::int64_t key_bytes = (problem.head_dim + problem.value_dim) * width;
    // In use, on its way, and values that earlier blocks still need.
    const std::int64_t key_tiles = 3 * tiling.tile_heads * tiling.tile_keys * key_bytes;
    // Pieces on their way: two directions, two pieces each.
    const std::int64_t pieces = 4 * heads * tiling.piece_keys * key_bytes;
    return static_cast<std::uint64_t>(temporaries + working + key_tiles + pieces +
                                      blocks_in_sram * (query + state_copies * state));
}

namespace {

/// `merging`: partial results move and chunks do not, so all states must stay, in several copies.
Tiling plan(const Problem& problem, const NeedSets& needs, std::int64_t heads, const Device& device,
            const Tiling& request, bool merging, std::string& why_not) {
    const Shards shards = largest_shards(needs);
    const auto width = static_cast<std::int64_t>(bytes_per_element(problem.dtype));
    const bool travels = needs.ranks() > 1 && !merging;
    // Everything at once to begin with; what does not fit is halved, the dimension that hurts least first.
    Tiling tiling = request;
    tiling.tile_heads = std::min(request.tile_heads > 0 ? request.tile_heads : heads, heads);
    tiling.tile_queries = std::min(request.tile_queries > 0 ? request.tile_queries : shards.queries, shards.queries);
    tiling.tile_keys = std::min(request.tile_keys > 0 ? request.tile_keys : shards.keys, shards.keys);
    tiling.piece_keys = std::min(request.piece_keys > 0 ? request.piece_keys : tiling.tile_keys, shards.keys);
    const auto needed = [&](std::int64_t blocks) {
        Tiling probe = tiling;
        if (!travels) probe.piece_keys = 0;
        return sram_needed(problem, probe, heads, blocks, merging ? merging_copies : 1);
    };
    const std::int64_t key_bytes = (problem.head_dim + problem.value_dim) * width;
    // Halves, to a multiple of `unit` where there is more than one of it.
    const auto halve = [](std::int64_t& value, std::int64_t unit = 1) {
        value = (value + 1) / 2;
        if (value > unit) value = ceil_div(value, unit) * unit;
    };
    tiling.fold_keys = device.matrix_cols;
    const std::int64_t token_unit = std::max<std::int64_t>(1, device.matrix_rows / problem.group());
    const auto least = [&] {
        const std::int64_t all = all_query_blocks(needs, tiling, heads);
        return needed(merging ? all : std::min(blocks_for(1), all));
    };
    while (least() > device.sram_bytes) {
        const std::int64_t rows = tiling.tile_queries * problem.group();
        const std::int64_t piece_bytes = heads * tiling.piece_keys * key_bytes;
        const bool pieces_open = request.piece_keys == 0 && tiling.piece_keys > 1 && travels;
        const bool keys_open = request.tile_keys == 0 && tiling.tile_keys > 1;
        const bool queries_open = request.tile_queries == 0 && tiling.tile_queries > 1;
        const bool heads_open = request.tile_heads == 0 && tiling.tile_heads > 1;
        // Rows and keys of a block are worth 256 and 512 each before heads are batched: below that the matrix engine
        // fills and drains more than it works.
        if (pieces_open && static_cast<std::uint64_t>(4 * piece_bytes) > device.sram_bytes / 8) {
            halve(tiling.piece_keys);
        } else if (heads_open && tiling.tile_heads * rows > 128) {
            halve(tiling.tile_heads);
        } else if (queries_open && rows > 256) {
            halve(tiling.tile_queries, token_unit);
        } else if (keys_open && tiling.tile_keys > 512) {
            halve(tiling.tile_keys, device.matrix_cols);
        } else if (heads_open) {
            halve(tiling.tile_heads);
        } else if (keys_open && tiling.tile_keys >= rows) {
            halve(tiling.tile_keys, device.matrix_cols);
        } else if (queries_open) {
            halve(tiling.tile_queries, token_unit);
        } else if (keys_open) {
            halve(tiling.tile_keys, device.matrix_cols);
        } else if (pieces_open) {
            halve(tiling.piece_keys);
        } else {
            why_not = fmt::format(
                "tiles of {} kv heads x {} queries x {} keys (pieces of {} keys) need {} bytes of SRAM, "
                "the PE has {}",
                tiling.tile_heads, tiling.tile_queries, tiling.tile_keys, tiling.piece_keys, least(),
                device.sram_bytes);
            return tiling;
        }
    }
    if (request.piece_keys == 0) tiling.piece_keys = std::min(tiling.piece_keys, tiling.tile_keys);
    const std::int64_t all_blocks = all_query_blocks(needs, tiling, heads);
    tiling.queries_stay = needed(all_blocks) <= device.sram_bytes;
    tiling.group_blocks = tiling.queries_stay ? query_blocks(shards, tiling, heads) : 1;
    while (!tiling.queries_stay && needed(blocks_for(tiling.group_blocks + 1)) <= device.sram_bytes) {
        ++tiling.group_blocks;
    }
    // Chunks stay in SRAM only if all that any rank could ever hold fit: then no order of arrival can exhaust it.
    std::int64_t all_keys = 0;
    for (int user = 0; user < needs.users(); ++user) {
        for (int rank = 0; rank < needs.ranks(); ++rank) all_keys += needs.keys_of(user, rank).size();
    }
    tiling.chunks_stay =
        tiling.queries_stay &&
        needed(all_blocks) + static_cast<std::uint64_t>(all_keys * heads * key_bytes) <= device.sram_bytes;
    return tiling;
}

}  // namespace

Tiling plan_attention(const Problem& problem, const NeedSets& needs, std::int64_t heads, const Device& device,
                      const Tiling& request, std::string& why_not) {
    return plan(problem, needs, heads, device, request, false, why_not);
}

Tiling plan_merging(const Problem& problem, const NeedSets& needs, std::int64_t heads, const Device& device,
                    const Tiling& request, std::string& why_not) {
    const Tiling tiling = plan(problem, needs, heads, device, request, true, why_not);
    if (!why_not.empty()) {
        why_not += fmt::format(
            ", all partial results in {} copies to be merged included: this kernel is for few queries (decode)",
            merging_copies);
    }
    return tiling;
}

}  // namespace tilemesh::kernels
