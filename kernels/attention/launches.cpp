// SPDX-License-Identifier: Apache-2.0
// A schedule as a framework runs it: every block product is a launch of a fused kernel that returns (out, lse), every
// merge two launches over results in HBM, every exchange a launch beside which a block product may go on. Continued,
// a block product takes up the running results of those before it, and nothing is merged. Steps follow each other;
// inside a block product all is as in attention.cpp.
#include "kernels/attention/exchange.h"
#include "kernels/attention/run.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numbers>
#include <set>

namespace tilemesh::kernels {

using attention::Launches;

void AttentionRun::all_by_launches() {
    std::map<int, std::vector<const Action*>> steps;
    std::map<const QueryWork*, int> products;
    for (const attention::TimedAction& timed : (*launch_.timeline)[static_cast<std::size_t>(launch_.rank)]) {
        const Action& action = *timed.action;
        steps[action.step].push_back(&action);
        if (action.kind == Action::Kind::attend) ++products[&work_of(action)];
    }
    // The result of a single block product needs no merge.
    const bool merges = launch_.tiling.launches != Launches::continued;
    for (auto& [queries, work] : works_)
        if (merges && products[&work] > 1) work.target.copy = attention::launched_copy;
    const bool ahead = launch_.tiling.launches != Launches::waited;
    if (ahead && !steps.empty()) exchange(steps.begin()->second);
    for (auto step = steps.begin(); step != steps.end(); ++step) {
        if (!ahead) {
            exchange(step->second);
            fence();
        } else if (const auto next = std::next(step); next != steps.end()) {
            exchange(next->second);
        }
        for (const Action* action : step->second) {
            if (action->kind == Action::Kind::fence) fence();
            if (action->kind == Action::Kind::attend) launch_attend(*action);
        }
    }
    for (auto& [queries, work] : works_) {
        if (work.target != work.result) tl_.launch({LaunchedWork::Kind::simple});
        finish({&work});
    }
}

void AttentionRun::exchange(const std::vector<const Action*>& rows) {
    Exchange exchange(launch_.rank, *launch_.schedule);
    for (const Action* action : rows) {
        const Range heads = action->moves() ? launch_.heads_of_part(action->item.head_part) : Range{};
        if (heads.empty()) continue;
        const std::int64_t key_bytes =
            problem_.key_columns() * heads.size() * static_cast<std::int64_t>(bytes_per_element(problem_.dtype));
        Bytes bytes;
        for (const Range& keys : action->keys) bytes += Bytes(static_cast<std::uint64_t>(keys.size() * key_bytes));
        exchange.add(*action, messages(*action).size(), bytes);
    }
    if (exchange.empty()) return;
    tl_.launch(exchange.work());
    for (const Issue& issue : exchange.in_order()) transfer(issue);
}

LaunchedWork AttentionRun::blocks_of(const Visit& visit) const {
    LaunchedWork launched{LaunchedWork::Kind::attention};
    const std::vector<QueryBlock>& blocks = work_of(visit).blocks;
    for (std::size_t b = 0; b < visit.blocks; ++b) {
        const QueryBlock& block = blocks[b];
        std::int64_t keys = 0;
        for (std::size_t t = 0; t < visit.tiles.size(); ++t) {
            const Visible visible = visit.at(t, b);
            if (visible == Visible::all) keys += visit.tiles[t].keys.size();
            if (visible == Visible::some) keys += visible_part(block, visit.tiles[t]).keys.size();
        }
        if (keys == 0) continue;
        launched.blocks.push_back(static_cast<double>(keys * block.rows.tokens.size()));
        launched.chunks.seen.push_back(static_cast<int>(visit.seen_by(b)));
        if (block.rows.heads == blocks.front().rows.heads) ++launched.chunks.per_head;
    }
    // Blocks of one head after those of another, as they are dealt; the heads of one block alike.
    const std::vector<double> one = launched.blocks;
    const std::int64_t heads = visit.blocks == 0 ? 0 : blocks.front().rows.heads.size() * problem_.group();
    const std::vector<int> seen = launched.chunks.seen;
    for (std::int64_t head = 1; head < heads; ++head) {
        launched.blocks.insert(launched.blocks.end(), one.begin(), one.end());
        launched.chunks.seen.insert(launched.chunks.seen.end(), seen.begin(), seen.end());
    }
    launched.chunks.rows = launch_.tiling.tile_queries;
    launched.chunks.keys = launch_.tiling.tile_keys;
    launched.chunks.key_dim = problem_.head_dim;
    launched.chunks.value_dim = problem_.value_dim;
    launched.chunks.latents = problem_.latents;
    launched.chunks.dtype = problem_.dtype;
    launched.chunks.probability = problem_.probability();
    return launched;
}

void AttentionRun::launch_attend(const Action& action) {
    if (launch_.heads_of_part(action.item.head_part).empty()) return;
    const Visit& visit = in_common_.visits->at(&action);
    QueryWork& work = work_of(visit);
    LaunchedWork launched = blocks_of(visit);
    if (launched.blocks.empty()) return;
    tl_.launch(launched);
    attend(visit);
    attention_.flush();
    while (!left_.empty()) settle(work);
    work.in_part = leaves_out_queries(visit);
    if (work.target != work.result) merge_launched(work);
}

bool AttentionRun::leaves_out_queries(const Visit& visit) const {
    const std::vector<QueryBlock>& blocks = work_of(visit).blocks;
    const auto sees = [&](const attention::Run& query, std::size_t block) {
        QueryBlock one = blocks[block];
        one.positions = query;
        return std::any_of(visit.tiles.begin(), visit.tiles.end(),
                           [&](const ChunkTile& tile) { return visible(one, tile) != Visible::none; });
    };
    for (std::size_t b = 0; b < visit.blocks; ++b) {
        const attention::Run& run = blocks[b].positions;
        if (!sees(run.part(0, 1), b) || !sees(run.part(run.count - 1, run.count), b)) return true;
    }
    return false;
}

void AttentionRun::settle(QueryWork& work) {
    const std::size_t index = left_.front();
    left_.pop_front();
    QueryBlock& block = work.blocks[index];
    State& state = states_.take(work.target, index, block.rows);
    if (work.target == work.result && block.visits_left > 0) return states_.put_back(work.result, index, block.rows);
    if (work.target == work.result && work.finishes && work.own) {
        write_result(work, block, finished(work, block, state));
        return states_.drop(work.result, index);
    }
    state = state_of(tl_, normalised(tl_, state));
    states_.put_back(work.target, index, block.rows);
}

void AttentionRun::merge_launched(QueryWork& work) {
    const auto each = [&](auto body) {
        tl_.launch({LaunchedWork::Kind::simple});
        for (std::size_t i = 0; i < work.blocks.size(); ++i)
            if (states_.written(work.target, i)) body(i, work.blocks[i].rows);
    };
    // Element by element, as frameworks do: the weighted difference goes through HBM. With normalised outputs
    // out = out1 - (out1 - out2) w, w = l2 / (l1 + l2).
    const auto kept = [&](const Tile& tile, Dtype dtype) {
        return tile.dtype() == dtype ? tile : tl_.cast(tile, dtype);
    };
    std::set<std::size_t> copied;
    each([&](std::size_t i, const BlockRows& rows) {
        State& from = states_.take(work.target, i, rows);
        State& into = states_.take(work.result, i, rows);
        if (!into) {
            into = from;
            copied.insert(i);
            states_.put_back(work.result, i, rows);
            return states_.drop(work.target, i);
        }
        const Tile m = tl_.maximum(into.m, from.m);
        const Tile a = into.l * tl_.exp2(into.m - m), b = from.l * tl_.exp2(from.m - m);
        const Tile weight = b / tl_.maximum(a + b, std::numeric_limits<float>::min());
        from.o = kept((into.o - from.o) * weight, from.o.dtype());
        states_.release(work.result, i);
        states_.put_back(work.target, i, rows);
    });
    if (copied.size() == work.blocks.size()) return;
    each([&](std::size_t i, const BlockRows& rows) {
        State& from = states_.take(work.target, i, rows);
        State& into = states_.take(work.result, i, rows);
        const Tile m = tl_.maximum(into.m, from.m);
        const Tile sum = into.l * tl_.exp2(into.m - m) + from.l * tl_.exp2(from.m - m);
        const Tile lse = tl_.fma(tl_.log(sum), static_cast<float>(std::numbers::log2e), m);
        // Part of the rows is merged in a copy of them.
        (work.in_part ? from : into) = state_of(tl_, {kept(into.o - from.o, into.o.dtype()), lse});
        states_.put_back(work.in_part ? work.target : work.result, i, rows);
        states_.drop(work.in_part ? work.result : work.target, i);
    });
    if (!work.in_part) return;
    each([&](std::size_t i, const BlockRows& rows) {
        states_.take(work.result, i, rows) = states_.take(work.target, i, rows);
        states_.put_back(work.result, i, rows);
        states_.drop(work.target, i);
    });
}

}  // namespace tilemesh::kernels
