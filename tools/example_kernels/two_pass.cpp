// SPDX-License-Identifier: Apache-2.0
// Softmax in two passes over the keys: the first finds the maximum of every row, the second takes exponentials with
// it, so that nothing computed before is ever rescaled. Cost: one PE, no link; the scores twice, that is half as many
// products again as an online softmax (blockwise), and the keys from HBM twice; spared are, per block of keys, one
// exponential of a column and the product of the running output with it.
// Loses to online softmax wherever the matrix engine binds, which is why nobody does it: shown for how a kernel is
// written outside.
#include "two_pass.h"

#include "kernels/attention/plan.h"
#include "kernels/local/local_blocks.h"
#include "kernels/schedules.h"

#include <limits>

namespace example {
namespace {

using namespace tilemesh;

void run_two_pass(tl::Context& tl, const attention::Launch& launch) {
    kernels::LocalBlocks blocks(tl, launch);
    const Dtype probability = launch.problem->probability();
    for (const kernels::LocalBlock& block : blocks.all()) {
        const Tile q = blocks.q(block);
        std::vector<attention::Range> visible;
        for (const attention::Range& keys : blocks.key_tiles(block.user, launch.tiling.tile_keys))
            if (blocks.visible(block, keys) != attention::Visible::none) visible.push_back(keys);
        if (visible.empty()) {
            blocks.store(block, blocks.nothing(block));
            continue;
        }
        const Shape rows{q.shape().batch(), q.shape().rows(), 1};
        Tile m = tl.full(rows, kernels::lowest_score);
        for (const attention::Range& keys : visible)
            m = tl.maximum(m, tl.max(blocks.scores(block, q, blocks.k(block, keys), keys)));
        const Tile sink = blocks.sinks(block, 1.0F);  // one more score, of value 0
        if (sink) m = tl.maximum(m, sink);
        Tile l = sink ? tl.exp(sink - m) : tl.zeros(rows), o;
        for (const attention::Range& keys : visible) {
            const Tile k = blocks.k(block, keys), v = blocks.v(block, keys, k);
            const Tile p = tl.exp(blocks.scores(block, q, k, keys) - m);
            l = l + tl.sum(p);
            o = o ? tl.dot(tl.cast(p, probability), v, o) : tl.dot(tl.cast(p, probability), v);
        }
        const Tile divisor = tl.maximum(l, std::numeric_limits<float>::min());
        blocks.store(block, {tl.cast(o / divisor, launch.problem->output_dtype()), m + tl.log(l)});
    }
}

std::optional<std::string> refuses(const attention::Problem& problem, const attention::RankGrid&, std::int64_t) {
    if (is_fp8(problem.probability()) || problem.scales.v != 1.0) return "has no scales for 8-bit floats";
    return std::nullopt;
}

}  // namespace

attention::Kernel two_pass() {
    return {.name = "two_pass",
            .summary = "local: maxima of all rows first, then their softmax: nothing is rescaled, scores twice",
            .by_heads = true,
            .keeps_state = false,
            .schedule = kernels::head_parallel,
            .refuses = refuses,
            .plan = kernels::plan_attention,
            .text = run_two_pass};
}

}  // namespace example
