// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/plan.h"

#include "kernels/attention/attend.h"
#include "kernels/attention/score_terms.h"

#include "sim/attention/traffic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace tilemesh::kernels {
namespace {

using attention::Device;
using attention::Launches;
using attention::NeedSets;
using attention::Problem;
using attention::Schedule;
using attention::Tiling;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Blocks in SRAM when groups of `group` take turns: one group in work, one on its way in, and two blocks of the one
/// before that are still in the pipeline of stages.
std::int64_t blocks_for(std::int64_t group) { return 2 * group + 2; }
/// And as many of launches whose results are not normalised yet.
std::int64_t blocks_for(std::int64_t group, Launches launches) {
    return blocks_for(group) + (launches == Launches::fused ? 0 : 2);
}

/// Keys of a block of `rows` rows a head, so few that the matrix array is not filled by them: no more than it takes
/// to hide one stage of a block behind the products of another (attend.h). Then work begins when the first few keys
/// are here, and little is left to do after the last, where one block of all keys would have its stages follow each
/// other.
std::int64_t keys_to_overlap(const Problem& problem, const Device& device, std::int64_t heads, std::int64_t rows) {
    // Between the two products of a block the array drains and about ten vector commands follow each other. With
    // every key the products take longer than the vector work that they hide.
    const double latency = device.array_depth_ns + 10 * device.vector_startup_ns;
    const double products = product(device.matrix_rows) * (product(problem.head_dim) / device.macs_per_ns +
                                                           product(problem.value_dim) / device.p_macs_per_ns);
    const double softmax = product(rows) * (1 / device.exp2_per_ns + 4 / device.simple_per_ns);
    // Of many rows the vector work is about as long as the products, and nothing is left to hide latencies behind.
    if (2 * softmax > products) return std::numeric_limits<std::int64_t>::max();
    const double keys = std::min(latency / (product(heads) * (products - softmax)), 1e9);
    return ceil_div(static_cast<std::int64_t>(keys) + 1, device.matrix_cols) * device.matrix_cols;
}

/// Chooses how many scores wait for their softmax, and how far softmaxes are apart, from how long the array takes for
/// the scores of a block: the shorter, the more of them are on their way through array and vector engine.
void side_by_side(const Problem& problem, const Device& device, Tiling& tiling) {
    constexpr double most = 6;
    // A step takes what the vector engine needs for its own and others' elements, too.
    constexpr double step_of_startups = 1.5;
    const std::int64_t rows = tiling.tile_queries * problem.group();
    const double fold_ns = product(device.matrix_rows, device.matrix_cols) / device.macs_per_ns;
    const double scores_ns = fold_ns * product(tiling.tile_heads, ceil_div(tiling.tile_keys, device.matrix_cols),
                                               std::max(problem.head_dim, rows));
    tiling.scores_ahead =
        static_cast<std::int64_t>(std::clamp(std::ceil(device.array_depth_ns / scores_ns), 2.0, most));
    const double steps = scores_ns / std::max(step_of_startups * device.vector_startup_ns, 1e-3);
    tiling.softmax_pace = static_cast<std::int64_t>(std::clamp(std::floor(steps), 1.0, double{softmax_steps}));
}

/// Where the mask hides elements: of a block scores without them, and the element masks of all that are scored.
double mask_bytes(const Problem& problem, const Tiling& tiling) {
    if (problem.mask->compare_operations() == 0) return 0.0;
    return product(tiling.tile_heads, tiling.tile_queries, problem.group(), tiling.tile_keys,
                   4 + tiling.scores_ahead + 1);
}

/// Query blocks of the queries of one rank.
std::int64_t blocks_of(const attention::Tokens& queries, const Tiling& tiling, std::int64_t heads) {
    std::int64_t blocks = 0;
    for (const attention::Run& run : queries.runs()) blocks += ceil_div(run.count, tiling.tile_queries);
    return blocks * ceil_div(heads, tiling.tile_heads);
}

/// A state that is sent or merged as soon as its last block is done is there earlier if that block's product is made
/// on top of it; short blocks gain more by not waiting for each other.
bool gains_apart(const Schedule& schedule, const Tiling& tiling) {
    if (tiling.launches != Launches::fused) return false;
    if (tiling.short_blocks()) return true;
    for (int rank = 0; rank < schedule.ranks(); ++rank)
        for (const attention::Action& row : schedule.program(rank))
            if (row.item.kind == attention::Item::Kind::state) return false;
    return true;
}

/// Everything that would be in SRAM at once on the rank that has most, if nothing left it.
struct Resident {
    std::int64_t query_rows = 1;   // own and others', of all users and heads
    std::int64_t state_rows = 1;   // of all registers
    std::int64_t in_one_work = 1;  // query blocks of the largest
};

Resident resident(const NeedSets& needs, const Schedule& schedule, const Tiling& tiling, std::int64_t heads,
                  std::int64_t group) {
    using attention::Action;
    using attention::Item;
    Resident most;
    const std::int64_t part_heads = attention::contiguous_part(heads, schedule.head_parts(), 0).size();
    const std::int64_t row_heads = part_heads * group;
    for (int rank = 0; rank < needs.ranks(); ++rank) {
        std::set<Item> queries, registers;
        for (int user = 0; user < needs.users(); ++user)
            for (int part = 0; part < schedule.head_parts(); ++part) {
                queries.insert({Item::Kind::queries, user, needs.owner_of(rank), 0, part});
                registers.insert({Item::Kind::state, user, needs.owner_of(rank), 0, part});
            }
        for (const Action& action : schedule.program(rank)) {
            const Item& item = action.item;
            if (item.kind == Item::Kind::state || item.kind == Item::Kind::queries) {
                queries.insert({Item::Kind::queries, item.user, item.id, 0, item.head_part});
                if (item.kind == Item::Kind::state && action.kind != Action::Kind::send) registers.insert(item);
            } else if (action.kind == Action::Kind::attend) {
                queries.insert({Item::Kind::queries, item.user, action.owner, 0, item.head_part});
                registers.insert({Item::Kind::state, item.user, action.owner, 0, item.head_part});
            }
        }
        Resident here{0, 0, 0};
        for (const Item& item : queries) {
            const attention::Tokens& tokens = needs.queries(item.user, item.id);
            here.query_rows += tokens.size() * row_heads;
            here.in_one_work = std::max(here.in_one_work, blocks_of(tokens, tiling, part_heads));
        }
        for (const Item& item : registers) here.state_rows += needs.queries(item.user, item.id).size() * row_heads;
        most = {std::max(most.query_rows, here.query_rows), std::max(most.state_rows, here.state_rows),
                std::max(most.in_one_work, here.in_one_work)};
    }
    return most;
}

}  // namespace

LongestRuns longest_runs(const NeedSets& needs) {
    LongestRuns longest;
    for (int user = 0; user < needs.users(); ++user)
        for (int rank = 0; rank < needs.ranks(); ++rank) {
            for (const attention::Run& run : needs.queries(user, rank).runs())
                longest.queries = std::max(longest.queries, run.count);
            for (const attention::Run& run : needs.keys(user, rank).runs())
                longest.keys = std::max(longest.keys, run.count);
        }
    for (int user = 0; user < needs.users(); ++user)
        longest.keys = std::max(longest.keys, needs.keys(user, needs.shared_id()).size());
    return longest;
}

void halve(std::int64_t& value, std::int64_t unit) {
    value = ceil_div(value, 2);
    if (value > unit) value = ceil_div(value, unit) * unit;
}

double sram_needed(const Problem& problem, const Tiling& tiling, std::int64_t heads, std::int64_t query_rows,
                   std::int64_t state_rows) {
    const auto operand = static_cast<std::int64_t>(bytes_per_element(problem.probability()));
    const auto output = static_cast<std::int64_t>(bytes_per_element(problem.output_dtype()));
    const double width = bytes_per_element(problem.dtype);
    const double rows = product(tiling.tile_heads, tiling.tile_queries, problem.group());
    const double scores = rows * product(tiling.tile_keys);
    // Scores of blocks that come next, of each softmax under way what a step takes and makes, p in f32 and as
    // operands: what can be alive at once when the command processor runs one block ahead.
    const std::int64_t under_way = ceil_div(softmax_steps, tiling.softmax_pace);  // softmaxes
    const double temporaries =
        scores * product(4 * (tiling.scores_ahead + 1 + 2 * under_way) + operand * (tiling.stages - 1));
    const double state = product(4 * problem.value_dim + 8);  // bytes of one row
    const double query = product(problem.head_dim) * width;
    // Outputs of the block in work: the corrected (apart: the product with values) and the new o, m, l, products that
    // wait for their sum, and final o.
    const std::int64_t waiting =
        tiling.products_apart ? std::max<std::int64_t>(tiling.stages + tiling.scores_ahead + under_way - 5, 1) : 0;
    const double sums = product(problem.value_dim, 4, waiting);
    const double working =
        rows * (2 * state + sums + product(problem.value_dim, 4 + output, tiling.finished_together()));
    const double key_bytes = product(problem.key_columns()) * width;
    // In use, on its way, and values that earlier blocks still need: with latents these hold on to their keys.
    const std::int64_t tiles_of_keys = problem.latents ? tiling.stages + 2 : 3;
    const double key_tiles = product(tiles_of_keys, tiling.tile_heads, tiling.tile_keys) * key_bytes;
    // Pieces on their way: two directions, two pieces each.
    const double pieces = 4 * product(heads, tiling.piece_keys) * key_bytes;
    return temporaries + mask_bytes(problem, tiling) + term_bytes(problem, tiling) + working + key_tiles + pieces +
           product(query_rows) * query + product(state_rows) * state;
}

Tiling plan_attention(const Problem& problem, const NeedSets& needs, const Schedule& schedule, std::int64_t heads,
                      const Device& device, const Tiling& request, std::string& why_not) {
    const LongestRuns longest = longest_runs(needs);
    const double width = bytes_per_element(problem.dtype), sram = product(device.sram_bytes);
    const bool travels = attention::count(schedule).chunk_transfers > 0;
    const std::int64_t part_heads = attention::contiguous_part(heads, schedule.head_parts(), 0).size();
    // Everything at once to begin with; what does not fit is halved, the dimension that hurts least first.
    Tiling tiling = request;
    tiling.tile_heads = chosen(request.tile_heads, part_heads);
    tiling.tile_queries = chosen(request.tile_queries, longest.queries);
    // The blocks of a launch are dealt to units: as many queries each as the array has rows.
    const bool fused = request.launches == attention::Launches::fused;
    if (!fused && request.tile_queries == 0) tiling.tile_queries = chosen(device.matrix_rows, longest.queries);
    tiling.tile_keys = chosen(request.tile_keys, longest.keys);
    const auto be_short = [&] {
        const std::int64_t rows = tiling.tile_queries * problem.group();
        if (!fused || rows > device.matrix_rows) return;
        tiling.stages = 4;  // there may be fewer keys than that, and several queries to overlap
        tiling.products_apart = true;
        side_by_side(problem, device, tiling);
    };
    if (const std::int64_t rows = tiling.tile_queries * problem.group();
        fused && rows <= device.matrix_rows && request.tile_keys == 0)
        tiling.tile_keys = std::min(tiling.tile_keys, keys_to_overlap(problem, device, tiling.tile_heads, rows));
    be_short();
    tiling.piece_keys = request.piece_keys > 0 ? chosen(request.piece_keys, longest.keys) : tiling.tile_keys;
    const auto needed = [&](std::int64_t query_rows, std::int64_t state_rows) {
        Tiling probe = tiling;
        if (!travels) probe.piece_keys = 0;
        return sram_needed(problem, probe, part_heads, query_rows, state_rows);
    };
    const double key_bytes = product(problem.key_columns()) * width;
    tiling.fold_keys = device.matrix_cols;
    const std::int64_t token_unit = std::max<std::int64_t>(1, device.matrix_rows / problem.group());
    const auto rows_of_block = [&] { return tiling.tile_heads * tiling.tile_queries * problem.group(); };
    const auto least = [&] {
        const Resident all = resident(needs, schedule, tiling, heads, problem.group());
        const std::int64_t few = blocks_for(1, request.launches) * rows_of_block();
        return needed(std::min(few, all.query_rows), std::min(few, all.state_rows));
    };
    const auto not_short = [&] {
        tiling.stages = 2;
        tiling.scores_ahead = 1;
        tiling.softmax_pace = softmax_steps;
        tiling.products_apart = false;
    };
    if (least() > sram) not_short();
    while (least() > sram) {
        const std::int64_t rows = tiling.tile_queries * problem.group();
        const double piece_bytes = product(part_heads, tiling.piece_keys) * key_bytes;
        const bool pieces_open = request.piece_keys == 0 && tiling.piece_keys > 1 && travels;
        const bool keys_open = request.tile_keys == 0 && tiling.tile_keys > 1;
        const bool queries_open = request.tile_queries == 0 && tiling.tile_queries > 1;
        const bool heads_open = request.tile_heads == 0 && tiling.tile_heads > 1;
        // Rows and keys of a block are worth 256 and 512 each before heads are batched: below that the matrix engine
        // fills and drains more than it works.
        if (pieces_open && 4 * piece_bytes > sram / 8) {
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
                "tiles of {} kv heads x {} queries x {} keys (pieces of {} keys) need {:.0f} bytes of SRAM, "
                "the PE has {}",
                tiling.tile_heads, tiling.tile_queries, tiling.tile_keys, tiling.piece_keys, least(),
                device.sram_bytes);
            return tiling;
        }
    }
    if (request.piece_keys == 0) tiling.piece_keys = std::min(tiling.piece_keys, tiling.tile_keys);
    const Resident all = resident(needs, schedule, tiling, heads, problem.group());
    // Whatever led to these tiles, all else follows from them: they are worked on alike, chosen or asked for.
    be_short();
    if (needed(all.query_rows, all.state_rows) > sram) not_short();
    // Where keys travel, what does not stay is brought in again for every visit of theirs. Few blocks have an element
    // mask: long ones rather wait for its room.
    const double in_turn = travels && !tiling.short_blocks() ? mask_bytes(problem, tiling) : 0.0;
    const double everything = needed(all.query_rows, all.state_rows) - in_turn;
    // Between launches nothing stays in SRAM.
    tiling.queries_stay = fused && everything <= sram;
    // Beside tiles that fill the SRAM, too: what they wait for room is less than what they would wait for each other.
    // How many blocks stay together is chosen with their room.
    tiling.products_apart = gains_apart(schedule, tiling);
    tiling.group_blocks = tiling.queries_stay ? all.in_one_work : 1;
    const auto group_fits = [&] {
        const std::int64_t rows = blocks_for(tiling.group_blocks + 1, request.launches) * rows_of_block();
        return needed(rows, rows) <= sram;
    };
    while (!tiling.queries_stay && tiling.group_blocks < all.in_one_work && group_fits()) ++tiling.group_blocks;
    // Chunks stay in SRAM only if all that any rank could ever hold fit: then no order of arrival can exhaust it.
    std::int64_t all_keys = 0;
    for (int user = 0; user < needs.users(); ++user)
        for (int origin = 0; origin <= needs.shared_id(); ++origin) all_keys += needs.keys(user, origin).size();
    tiling.chunks_stay = tiling.queries_stay && everything + product(all_keys, heads) * key_bytes <= sram;
    return tiling;
}

}  // namespace tilemesh::kernels
