// SPDX-License-Identifier: Apache-2.0
// The backward pass as a framework runs it: every block product is a launch of a fused kernel that returns its dq, dk
// and dv, each sum with what came before is a launch over results in HBM, and so is every exchange. Chunks of a step
// come while the product of the step before is computed (or are waited for); the gradient that leaves a rank after a
// product travels beside the next one, and what arrives is added behind that. Source: the public implementations of
// ring attention that drive fused kernels this way.
#include "kernels/attention/exchange.h"
#include "kernels/backward/run.h"

#include <algorithm>

namespace tilemesh::kernels {

using attention::Launches;

void BackwardRun::all_by_launches() {
    std::map<int, std::vector<const Action*>> steps;
    std::map<int, int> products;  // by user
    for (const attention::TimedAction& timed : (*launch_.timeline)[static_cast<std::size_t>(launch_.rank)]) {
        const Action& action = *timed.action;
        steps[action.step].push_back(&action);
        if (action.kind == Action::Kind::attend && !plans_.at(&action).steps.empty()) ++products[action.item.user];
    }
    if (!launch_.problem->sinks.empty()) {
        tl_.launch({LaunchedWork::Kind::simple});
        rows_.begin();
    }
    const bool ahead = launch_.tiling.launches == Launches::overlapped;
    if (ahead && !steps.empty()) exchange(steps.begin()->second, true);
    for (auto step = steps.begin(); step != steps.end(); ++step) {
        exchange(step->second, false);
        if (!ahead) {
            exchange(step->second, true);
            chunks_.wait_for_all();
        } else if (const auto next = std::next(step); next != steps.end()) {
            exchange(next->second, true);
        }
        for (const Action* action : step->second)
            if (action->kind == Action::Kind::attend) launch_product(*action, products[action->item.user] == 1);
        for (const Action* action : step->second) {
            if (action->kind != Action::Kind::merge) continue;
            tl_.launch({LaunchedWork::Kind::simple});
            move({.action = action});
        }
    }
    for (const auto& [user, count] : products) {
        if (count < 2) continue;
        tl_.launch({LaunchedWork::Kind::simple});
        rows_.store_sums(user);
    }
}

void BackwardRun::exchange(const std::vector<const Action*>& rows, bool of_chunks) {
    Exchange exchange(launch_.rank, *launch_.schedule);
    const attention::Problem& problem = *launch_.problem;
    for (const Action* action : rows) {
        const bool chunk = action->item.kind == Item::Kind::chunk;
        if (!action->moves() || chunk != of_chunks) continue;
        const std::size_t pieces = is_sinks(*action) ? rows_.sinks(action->item.user).size()
                                   : chunk           ? messages_.at(action).size()
                                                     : pieces_.at(action).size();
        const auto element = static_cast<std::int64_t>(bytes_per_element(chunk ? problem.dtype : Dtype::f32));
        // A gradient has columns for k and for v, but with latents those that both share once, as the chunk has.
        const std::int64_t key_bytes = problem.key_columns() * launch_.heads.size() * element;
        Bytes bytes;
        for (const Range& keys : action->keys) bytes += Bytes(static_cast<std::uint64_t>(keys.size() * key_bytes));
        exchange.add(*action, pieces, bytes);
    }
    if (exchange.empty()) return;
    tl_.launch(exchange.work());
    for (const Issue& issue : exchange.in_order()) move(issue);
}

LaunchedWork BackwardRun::blocks_of(const Plan& plan) const {
    // A block is a tile of keys of one query head: fused kernels keep dk and dv of it and go over the queries. Tiles
    // of one head after those of another, as they are dealt; heads that are worked on together alike.
    LaunchedWork launched{LaunchedWork::Kind::gradients};
    std::vector<double> tiles;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const Step& step = plan.steps[i];
        if (step.first) tiles.push_back(0.0);
        tiles.back() += static_cast<double>(step.keys.size() * step.rows->tokens.size());
        const bool ends = i + 1 == plan.steps.size() || plan.steps[i + 1].rows->heads != step.rows->heads;
        if (!ends) continue;
        const std::int64_t heads = step.rows->heads.size() * launch_.problem->group();
        for (std::int64_t head = 0; head < heads; ++head)
            launched.blocks.insert(launched.blocks.end(), tiles.begin(), tiles.end());
        tiles.clear();
    }
    return launched;
}

void BackwardRun::launch_product(const Action& action, bool alone) {
    const Plan& plan = plans_.at(&action);
    const int user = action.item.user;
    if (!plan.steps.empty()) {
        // What a block still has to meet is what it meets here: the next product begins with nothing.
        for (RowBlock& block : rows_.blocks(user)) block.steps_left = 0;
        for (const Step& step : plan.steps) ++step.rows->steps_left;
        tl_.launch(blocks_of(plan));
        rows_.begin_product(user, alone);
    }
    attend({.action = &action});
    gradients_.flush();
    if (plan.steps.empty() || alone) return;
    tl_.launch({LaunchedWork::Kind::simple});
    rows_.add_product(user);
}

}  // namespace tilemesh::kernels
