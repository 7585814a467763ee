// SPDX-License-Identifier: Apache-2.0
// Fifth rung: gathers. A dilated mask (segments of w positions of which every r-th takes part, from an offset that
// differs by head) hides most elements of every block but no block. So for each segment and offset the tokens that
// take part are gathered from HBM by strided loads, and dense flash attention runs on them without any element mask;
// results are scattered back, and rows that take no part are written as zeros.
// Source: Ding et al., LongNet, 2023.
// Cost: one PE, no link. Matrix and vector work of visible pairs exactly, w^2/r^2 per segment and head; HBM moves
// each gathered row as bursts of its own, with a row switch for most of them, and lse (4 bytes a row) costs a burst
// each. Wins for dilated masks over everything below; other masks have no such structure and are refused.
#include "kernels/attention/plan.h"
#include "kernels/local/local.h"
#include "kernels/local/local_blocks.h"
#include "sim/attention/masks/floor.h"

#include <algorithm>
#include <memory>
#include <numbers>
#include <utility>

namespace tilemesh::kernels {
namespace {

using attention::Range;
using attention::Run;

/// Positions of `range` that are `offset` more than a multiple of `step` behind `start`.
Run every(std::int64_t start, std::int64_t step, std::int64_t offset, Range range) {
    std::int64_t first = start + offset;
    if (first < range.begin) first += (range.begin - first + step - 1) / step * step;
    return {first, first < range.end ? (range.end - 1 - first) / step + 1 : 0, step};
}

Range common(Range a, Range b) { return {std::max(a.begin, b.begin), std::min(a.end, b.end)}; }

/// Some queries of one query head: rows of the user's tensors that lie evenly apart.
struct GatheredRows {
    std::int64_t kv_head = 0;  // counted from the PE's first
    std::int64_t first = 0;    // row
    std::int64_t count = 0;
    std::int64_t stride = 1;
    tl::Pointer in(Tensor& tensor) const { return tl::strided(tl::at(tensor, kv_head, first), stride); }
};

class Gathering {
public:
    Gathering(tl::Context& tl, const Launch& launch)
        : tl_(tl),
          launch_(launch),
          problem_(*launch.problem),
          attention_(tl, problem_, launch.schedule->state_format().o) {}

    void all() {
        const attention::Dilation pattern = *problem_.mask->dilation();
        for (int user = 0; user < launch_.needs->users(); ++user) {
            const attention::User& tokens = problem_.users[static_cast<std::size_t>(user)];
            const Range queries = tokens.query_positions();
            for (std::int64_t s = attention::floor_divide(queries.begin, pattern.segment);
                 s * pattern.segment < queries.end; ++s)
                for (std::int64_t head = 0; head < launch_.heads.size(); ++head) segment(user, pattern, s, head);
        }
        attention_.flush();
    }

private:
    void segment(int user, const attention::Dilation& pattern, std::int64_t number, std::int64_t kv_head) {
        const attention::User& tokens = problem_.users[static_cast<std::size_t>(user)];
        const std::int64_t start = number * pattern.segment, group = problem_.group();
        const Range whole{start, start + pattern.segment};
        for (std::int64_t offset = 0; offset < std::min(pattern.step, pattern.segment); ++offset) {
            const Run queries = every(start, pattern.step, offset, common(whole, tokens.query_positions()));
            const Run keys = every(start, pattern.step, offset, common(whole, tokens.key_positions()));
            KeptKeys kept;  // heads with this offset share them, when they are one tile
            for (std::int64_t j = 0; j < group; ++j) {
                const std::int64_t query_head = (launch_.heads.begin + kv_head) * group + j;
                const bool takes_part = pattern.offset(query_head) == offset && !keys.empty();
                for (std::int64_t begin = 0; begin < queries.count; begin += launch_.tiling.tile_queries) {
                    const Run part =
                        queries.part(begin, std::min(begin + launch_.tiling.tile_queries, queries.count));
                    const GatheredRows rows{kv_head, (part.first - tokens.query_offset) * group + j, part.count,
                                            part.stride * group};
                    takes_part ? attend(user, rows, keys, kept) : hide(user, rows);
                }
            }
        }
    }

    struct KeptKeys {
        Tile k, v;
    };

    void attend(int user, const GatheredRows& rows, const Run& keys, KeptKeys& kept) {
        const attention::UserTensors& tensors = launch_.users[static_cast<std::size_t>(user)];
        const Tile q = tl_.load(rows.in(*tensors.q), Shape{1, rows.count, problem_.head_dim}, problem_.dtype);
        const auto state = std::make_shared<State>();
        const std::int64_t size = launch_.tiling.tile_keys;
        for (std::int64_t begin = 0; begin < keys.count; begin += size) {
            const Run part = keys.part(begin, std::min(begin + size, keys.count));
            if (!kept.k || keys.count > size) {
                const auto gather = [&](Tensor& tensor, std::int64_t dim) {
                    return tl_.load(tl::strided(tl::at(tensor, rows.kv_head, part.first), part.stride),
                                    Shape{1, part.count, dim}, problem_.dtype);
                };
                kept.k = gather(*tensors.k, problem_.head_dim);
                kept.v = problem_.latents ? tl_.slice(kept.k, 2, 0, problem_.value_dim)
                                          : gather(*tensors.v, problem_.value_dim);
            }
            auto block = std::make_unique<Block>();
            block->q = q;
            block->k = kept.k;
            block->v = kept.v;
            block->state = state.get();
            if (begin + size >= keys.count)
                block->done = [this, user, rows, state] {
                    store(user, rows, finish(tl_, *state, problem_, sink(user, rows)));
                    *state = State();
                };
            attention_.attend(std::move(block));
        }
    }

    void hide(int user, const GatheredRows& rows) {
        // One tile of zeros serves all of them, or those of a head when its rows have a sink.
        const std::pair of{user, rows.kv_head * problem_.group() + rows.first % problem_.group()};
        if (!hidden_.o || (!problem_.sinks.empty() && of != hidden_of_)) {
            hidden_ = nothing_visible(tl_, Shape{1, launch_.tiling.tile_queries, problem_.value_dim},
                                      problem_.output_dtype(), sink(user, rows));
            hidden_of_ = of;
        }
        store(user, rows, {tl_.slice(hidden_.o, 1, 0, rows.count), tl_.slice(hidden_.lse, 1, 0, rows.count)});
    }

    /// Of the one query head of the rows [1, 1, 1], in base 2; no tile when there is none.
    Tile sink(int user, const GatheredRows& rows) {
        Tensor* const sinks = launch_.users[static_cast<std::size_t>(user)].sinks;
        if (!sinks) return {};
        return tl_.load(tl::at(*sinks, rows.kv_head, rows.first % problem_.group()), Shape{1, 1, 1}, Dtype::f32) *
               std::numbers::log2e_v<float>;
    }

    void store(int user, const GatheredRows& rows, const Result& result) {
        const attention::UserTensors& tensors = launch_.users[static_cast<std::size_t>(user)];
        tl_.store(rows.in(*tensors.o), result.o);
        tl_.store(rows.in(*tensors.lse), result.lse);
    }

    tl::Context& tl_;
    const Launch& launch_;
    const attention::Problem& problem_;
    Attention attention_;
    Result hidden_;
    std::pair<int, std::int64_t> hidden_of_;  // user and query head
};

}  // namespace

void dilated(tl::Context& tl, const Launch& launch) {
    if (!launch.heads.empty()) Gathering(tl, launch).all();
}

std::optional<std::string> dilated_refuses(const attention::Problem& problem, const attention::RankGrid&,
                                           std::int64_t) {
    if (problem.mask->dilation()) return {};
    return fmt::format("it needs the mask dilated alone, the problem's is {}", problem.mask->name());
}

attention::Tiling plan_dilated(const attention::Problem& problem, const attention::NeedSets& needs,
                               const attention::Schedule& schedule, std::int64_t heads,
                               const attention::Device& device, const attention::Tiling& request,
                               std::string& why_not) {
    // A block holds rows of one query head, so plan as for heads of their own; and no block is larger than what a
    // segment has left.
    attention::Problem one_head = problem;
    one_head.heads_q = one_head.heads_kv;
    const attention::Dilation pattern = *problem.mask->dilation();
    const std::int64_t gathered = (pattern.segment - 1) / pattern.step + 1;
    attention::Tiling least = request;
    least.tile_heads = 1;
    attention::Tiling preferred = least;
    if (request.tile_queries == 0) preferred.tile_queries = gathered;
    if (request.tile_keys == 0) preferred.tile_keys = gathered;
    attention::Tiling tiling = plan_preferring(preferred, one_head, needs, schedule, heads, device, least, why_not);
    tiling.tile_queries = std::min(tiling.tile_queries, gathered);
    tiling.tile_keys = std::min(tiling.tile_keys, gathered);
    return tiling;
}

}  // namespace tilemesh::kernels
