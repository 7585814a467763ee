// SPDX-License-Identifier: Apache-2.0
// A rank's program runs in the order of its timeline. Transfers of chunks and queries are issued between the blocks
// of whatever is being attended, each when it is due.
#include "kernels/attention/attention.h"

#include "kernels/attention/element_mask.h"
#include "kernels/attention/run.h"

#include <algorithm>
#include <memory>

namespace tilemesh::kernels {

void AttentionRun::all() {
    if (launch_.tiling.launches != attention::Launches::fused) return all_by_launches();
    for (next_ = 0; next_ < order_.size(); ++next_) {
        if (!issued_[next_]) row(next_);
    }
    attention_.flush();
    std::vector<QueryWork*> works;
    for (auto& [queries, work] : works_) works.push_back(&work);
    finish(works);
    if (repeats_) repeats_.close();
}

void AttentionRun::row(std::size_t i) {
    const Action& action = *order_[i].action;
    switch (action.kind) {
        case Action::Kind::attend:
            attend(in_common_.visits->at(&action));
            --visits_left_;
            return;
        case Action::Kind::fence:
            return fence();
        case Action::Kind::merge:
            return merge_states(i);
        case Action::Kind::send:
        case Action::Kind::receive:
            return transfer(order_[i]);
    }
}

void AttentionRun::transfer(const Issue& issue) {
    const Action& action = *issue.action;
    if (launch_.heads_of_part(action.item.head_part).empty()) return;  // nor has this PE's peer any
    const tl::PhaseScope phase(tl_, Where::row(action));
    const bool sends = action.kind == Action::Kind::send;
    const auto piece = static_cast<std::size_t>(issue.piece);
    const std::span<const int> to = receivers_of_row(*launch_.schedule, action);
    Item item = action.item;
    if (item.kind == Item::Kind::chunk) {
        const Range keys = messages(action)[piece];
        sends ? chunks_.send(item, keys, to) : chunks_.receive(item, keys, action.peer);
    } else if (const QueryWork& work = work_of(action); work.blocks.empty()) {
        return;  // a rank without tokens
    } else if (item.kind == Item::Kind::queries) {
        sends ? send_queries(action, to, piece) : receive_queries(action, piece);
    } else {
        complete(work, piece);
        const BlockRows& rows = work.blocks[piece].rows;
        const int pe = launch_.peers[static_cast<std::size_t>(action.peer)];
        if (sends) item.copy = action.other;
        sends ? states_.send(pe, item, piece, rows, issue.part) : states_.receive(pe, item, piece, rows, issue.part);
    }
}

std::size_t AttentionRun::first_left() {
    left_from_ = std::max(left_from_, next_ + 1);
    while (left_from_ < order_.size() && issued_[left_from_]) ++left_from_;
    return left_from_;
}

void AttentionRun::transfers_until(double time) {
    for (std::size_t i = first_left(); i < order_.size() && order_[i].time <= time; ++i) {
        const Action& action = *order_[i].action;
        // All transfers are issued in one order on all PEs, else two could wait for each other. A row may depend on
        // those before it of which nothing is left to do at its time.
        if (issued_[i]) continue;
        if (!action.moves() && order_[i].part == StatePart::whole) {
            if (order_[i].end <= time) return;
            continue;
        }
        issued_[i] = true;
        repeats_.aside([&] { row(i); });
    }
}

void AttentionRun::fence() {
    attention_.flush();
    chunks_.wait_for_all();
}

void AttentionRun::attend(const Visit& visit) {
    if (launch_.heads_of_part(visit.queries.head_part).empty()) return;
    steps_done_ = 0;
    steps_total_ = std::max<std::size_t>(1, visit.visible.size());
    // Groups of blocks of the same heads, so that a tile of keys serves all of them.
    const std::vector<QueryBlock>& blocks = work_of(visit).blocks;
    std::vector<Group> groups;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const bool joins = !groups.empty() &&
                           blocks[groups.back().blocks.front()].rows.heads == blocks[b].rows.heads &&
                           static_cast<std::int64_t>(groups.back().blocks.size()) < launch_.tiling.group_blocks;
        if (!joins) groups.emplace_back();
        groups.back().blocks.push_back(b);
        groups.back().tiles_left.push_back(visit.seen_by(b));
    }
    if (repeats_) begin_repeats(visit, groups);
    for (std::size_t g = 0; g < groups.size(); ++g) {
        Group* next = g + 1 < groups.size() ? &groups[g + 1] : nullptr;
        may_pass(visit, groups[g], next) ? pass_over(visit, groups[g], next) : attend_group(visit, groups[g], next);
    }
}

void AttentionRun::attend_group(const Visit& visit, Group& group, Group* next) {
    QueryWork& work = work_of(visit);
    const std::vector<std::size_t> seen = tiles_seen(visit, group);  // each is sent for one tile ahead of its use
    steps_done_ += (visit.tiles.size() - seen.size()) * group.blocks.size();
    if (repeats_) repeats_.begin(group.stretch);
    {
        const tl::PhaseScope phase(tl_, visit.where());
        enter(work, group);
    }
    if (repeats_) repeats_.add(group.entering);
    const Range heads = work.blocks[group.blocks.front()].rows.heads;
    // V comes a tile ahead as K does; or, where blocks are short and many are on their way, just before it is needed:
    // then scores and softmax of the last ones are done while it is still coming.
    struct Data {
        Tile k;
        std::shared_ptr<Tile> v = std::make_shared<Tile>();
    };
    const bool early = !launch_.tiling.short_blocks() || problem_.latents;
    Data data, data_ahead;
    Tile bias, bias_ahead;
    const auto where = [&](std::size_t t) {
        return visit.where().tile(visit.tiles[t].chunk, heads, visit.tiles[t].keys);
    };
    const auto fetch = [&](std::size_t t) {
        if (repeats_) sent_for_[t] = true;
        const ChunkTile& tile = visit.tiles[t];
        const tl::PhaseScope phase(tl_, where(t));
        const auto bring = [&] {
            data_ahead.k = chunks_.keys(tile.chunk, heads, tile.keys);
            if (early) *data_ahead.v = chunks_.values(tile.chunk, heads, tile.keys, data_ahead.k);
        };
        if (launch_.tiling.chunks_stay)
            repeats_.aside(bring);
        else
            bring();
        bias_ahead = terms_.key_bias(tile.chunk.user, tile.chunk.id, tile.keys);
    };
    if (!seen.empty()) fetch(seen[0]);
    for (std::size_t t = 0; t < seen.size(); ++t) {
        if (const std::size_t rounds = repeats_ && early ? rounds_to_pass(t, seen.size(), next) : 0; rounds > 0) {
            data = std::exchange(data_ahead, {});
            repeats_.begin_passing_rounds(rounds);
            pass_tiles(visit, group, {&seen, t, t + rounds}, next, {std::move(data.k), std::move(*data.v)},
                       [&] { repeats_.was_issued(repeats_.aside([&] { fetch(seen[t + rounds]); })); });
            repeats_.end_passing();
            t += rounds;
        }
        data = std::exchange(data_ahead, {});
        bias = std::exchange(bias_ahead, {});
        if (t + 1 < seen.size()) fetch(seen[t + 1]);
        // Half way through, what the next group needs is sent for.
        if (next && t == seen.size() / 2) {
            const tl::PhaseScope phase(tl_, visit.where());
            enter(work, *next);
        }
        const ChunkTile& tile = visit.tiles[seen[t]];
        for (std::size_t i = 0; i < group.blocks.size(); ++i) {
            const std::size_t index = group.blocks[i];
            QueryBlock& block = work.blocks[index];
            transfers_until(time_of_step(visit, steps_done_++));
            const Visible whole = visit.at(seen[t], index);
            if (whole == Visible::none) continue;
            const ChunkTile part = whole == Visible::all ? tile : visible_part(block, tile);
            const std::int64_t begin = part.keys.begin - tile.keys.begin, end = part.keys.end - tile.keys.begin;
            auto issued = std::make_unique<Block>();
            issued->where = where(seen[t]);
            if (t == 0) issued->keys = visit.data;
            issued->weighed = time_of_step(visit, steps_done_) + visit.weighed - visit.end;
            const tl::PhaseScope phase(tl_, issued->where);
            if (repeats_) issued->effort = repeats_.of_blocks();
            issued->q = block.q;
            issued->k = tl_.slice(data.k, 1, begin, end);
            if (early)
                issued->v = tl_.slice(*data.v, 1, begin, end);
            else
                issued->bring_v = [this, &tile, heads, v = data.v, begin, end] {
                    if (!*v) *v = chunks_.values(tile.chunk, heads, tile.keys, Tile());
                    return tl_.slice(*v, 1, begin, end);
                };
            repeats_.aside([&] { terms_.slopes(term_rows(work, block)); });  // kept, as sinks are
            issued->terms = terms_.terms(term_rows(work, block), part.chunk.id, part.keys);
            if (bias) issued->terms.key_bias = tl_.slice(bias, 2, begin, end);
            issued->state = &states_.take(work.target, index, block.rows);
            if (whole == Visible::some && problem_.mask->compare_operations() > 0 &&
                visible(block, part) != Visible::all)
                issued->mask = element_mask(tl_, problem_, part.chunk.user, query_heads(block), block.positions,
                                            launch_.needs->keys(part.chunk.user, part.chunk.id).run(part.keys));
            if (--group.tiles_left[i] == 0) issued->done = [this, &work, index] { leave(work, index); };
            attention_.attend(std::move(issued));
        }
        if (repeats_) repeats_.round_ends();
    }
    if (repeats_) repeats_.end();
}

ChunkTile AttentionRun::visible_part(const QueryBlock& block, const ChunkTile& tile) const {
    const std::int64_t fold = launch_.tiling.fold_keys;
    const auto hidden = [&](std::int64_t begin, std::int64_t end) {
        return visible(block, {tile.chunk, {begin, end}}) == Visible::none;
    };
    Range part = tile.keys;
    while (part.size() > fold && hidden(part.begin, part.begin + fold)) part.begin += fold;
    // From the back in folds counted from the front, so that what stays is whole folds.
    while (part.size() > fold) {
        const std::int64_t last = part.begin + (part.size() - 1) / fold * fold;
        if (!hidden(last, part.end)) break;
        part.end = last;
    }
    return {tile.chunk, part};
}

void attention_kernel(tl::Context& tl, const Launch& launch) {
    if (launch.heads.empty()) return;
    AttentionRun(tl, launch).all();
}

}  // namespace tilemesh::kernels
