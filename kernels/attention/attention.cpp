// SPDX-License-Identifier: Apache-2.0
// A rank's program runs in the order of its timeline. Transfers of chunks and queries are issued between the blocks
// of whatever is being attended, each when it is due.
#include "kernels/attention/attention.h"

#include "kernels/attention/element_mask.h"
#include "kernels/attention/run.h"

#include <algorithm>

namespace tilemesh::kernels {

void AttentionRun::all() {
    if (launch_.tiling.launches != attention::Launches::fused) return all_by_launches();
    for (next_ = 0; next_ < order_.size(); ++next_) {
        if (!issued_[next_]) row(order_[next_]);
    }
    attention_.flush();
    for (auto& [queries, work] : works_) finish(work);
}

void AttentionRun::row(const Issue& issue) {
    const Action& action = *issue.action;
    switch (action.kind) {
        case Action::Kind::attend:
            return attend(issue);
        case Action::Kind::fence:
            return fence();
        case Action::Kind::merge:
            attention_.flush();
            return merge_states(action);
        case Action::Kind::send:
        case Action::Kind::receive:
            return transfer(issue);
    }
}

void AttentionRun::transfer(const Issue& issue) {
    const Action& action = *issue.action;
    if (launch_.heads_of_part(action.item.head_part).empty()) return;  // nor has this PE's peer any
    const bool sends = action.kind == Action::Kind::send;
    const auto piece = static_cast<std::size_t>(issue.piece);
    Item item = action.item;
    if (item.kind == Item::Kind::chunk) {
        const Range keys = messages_.at(&action)[piece];
        sends ? chunks_.send(item, keys, action.peer) : chunks_.receive(item, keys, action.peer);
    } else if (const QueryWork& work = work_for(item.user, item.id, item.head_part); work.blocks.empty()) {
        return;  // a rank without tokens
    } else if (item.kind == Item::Kind::queries) {
        sends ? send_queries(action, piece) : receive_queries(action, piece);
    } else {
        attention_.flush();
        const BlockRows& rows = work.blocks[piece].rows;
        const int pe = launch_.peers[static_cast<std::size_t>(action.peer)];
        if (sends) item.copy = action.other;
        sends ? states_.send(pe, item, piece, rows) : states_.receive(pe, item, piece, rows);
    }
}

void AttentionRun::transfers_until(double time) {
    for (std::size_t i = next_ + 1; i < order_.size() && order_[i].time <= time; ++i) {
        const Action& action = *order_[i].action;
        // All transfers are issued in one order on all PEs, else two could wait for each other. A row may depend on
        // those before it of which nothing is left to do at its time.
        if (issued_[i]) continue;
        if (!action.moves()) {
            if (order_[i].end <= time) return;
            continue;
        }
        issued_[i] = true;
        transfer(order_[i]);
    }
}

void AttentionRun::fence() {
    attention_.flush();
    chunks_.wait_for_all();
}

void AttentionRun::attend(const Issue& issue) {
    const Action& action = *issue.action;
    const Item& chunk = action.item;
    if (launch_.heads_of_part(chunk.head_part).empty()) return;
    QueryWork& work = work_for(chunk.user, action.owner, chunk.head_part);
    const Sight& sight = sights_.at(&action);
    // The pipeline of stages puts this chunk's first scores before the last values of the chunk before, up to a block
    // ahead of their turn. That pays only if the chunk is here by then; else it would hold those values up.
    if (issue.data > attend_end_ - (attend_end_ - attend_begin_) / static_cast<double>(steps_total_))
        attention_.flush();
    steps_done_ = 0;
    steps_total_ = std::max<std::size_t>(1, sight.visible.size());
    attend_begin_ = issue.time;
    attend_end_ = issue.end;
    // Groups of blocks of the same heads, so that a tile of keys serves all of them.
    std::vector<Group> groups;
    for (std::size_t b = 0; b < work.blocks.size(); ++b) {
        const bool joins = !groups.empty() &&
                           work.blocks[groups.back().blocks.front()].rows.heads == work.blocks[b].rows.heads &&
                           static_cast<std::int64_t>(groups.back().blocks.size()) < launch_.tiling.group_blocks;
        if (!joins) groups.emplace_back();
        Group& group = groups.back();
        group.blocks.push_back(b);
        group.tiles_left.push_back(0);
        for (std::size_t t = 0; t < sight.tiles.size(); ++t)
            group.tiles_left.back() += sight.at(t, b) != Visible::none ? 1 : 0;
    }
    for (std::size_t g = 0; g < groups.size(); ++g)
        attend_group(chunk, work, sight, groups[g], g + 1 < groups.size() ? &groups[g + 1] : nullptr);
}

void AttentionRun::attend_group(const Item& chunk, QueryWork& work, const Sight& sight, Group& group, Group* next) {
    // Tiles of keys that somebody in the group sees; each is sent for one tile ahead of its use.
    std::vector<std::size_t> seen;
    for (std::size_t t = 0; t < sight.tiles.size(); ++t) {
        const auto sees = [&](std::size_t block) { return sight.at(t, block) != Visible::none; };
        if (std::any_of(group.blocks.begin(), group.blocks.end(), sees)) seen.push_back(t);
    }
    steps_done_ += (sight.tiles.size() - seen.size()) * group.blocks.size();
    enter(work, group);
    const Range heads = work.blocks[group.blocks.front()].rows.heads;
    KeyTile tile, ahead;
    Tile bias, bias_ahead;
    const auto fetch = [&](std::size_t t) {
        ahead = chunks_.tile(chunk, heads, sight.tiles[t]);
        bias_ahead = chunks_.bias(chunk, sight.tiles[t]);
    };
    if (!seen.empty()) fetch(seen[0]);
    for (std::size_t t = 0; t < seen.size(); ++t) {
        tile = std::move(ahead);
        bias = std::move(bias_ahead);
        ahead = KeyTile();
        bias_ahead = Tile();
        if (t + 1 < seen.size()) fetch(seen[t + 1]);
        // Half way through, what the next group needs is sent for.
        if (next && t == seen.size() / 2) enter(work, *next);
        const Range keys = sight.tiles[seen[t]];
        for (std::size_t i = 0; i < group.blocks.size(); ++i) {
            const std::size_t index = group.blocks[i];
            QueryBlock& block = work.blocks[index];
            transfers_until(attend_begin_ + (attend_end_ - attend_begin_) * static_cast<double>(steps_done_++) /
                                                static_cast<double>(steps_total_));
            const Visible whole = sight.at(seen[t], index);
            if (whole == Visible::none) continue;
            const Range part = whole == Visible::all ? keys : visible_part(chunk, block, keys);
            Block issued;
            issued.q = block.q;
            issued.k = tl_.slice(tile.k, 1, part.begin - keys.begin, part.end - keys.begin);
            issued.v = tl_.slice(tile.v, 1, part.begin - keys.begin, part.end - keys.begin);
            if (bias) issued.bias = tl_.slice(bias, 2, part.begin - keys.begin, part.end - keys.begin);
            issued.state = &states_.take(work.target, index, block.rows);
            if (whole == Visible::some && visible(chunk, block, part) != Visible::all)
                issued.mask = element_mask(tl_, problem_, chunk.user, query_heads(block), block.positions,
                                           launch_.needs->keys(chunk.user, chunk.id).run(part));
            if (--group.tiles_left[i] == 0) issued.done = [this, &work, index] { leave(work, index); };
            attention_.attend(std::move(issued));
        }
    }
}

Range AttentionRun::visible_part(const Item& chunk, const QueryBlock& block, Range keys) const {
    const std::int64_t fold = launch_.tiling.fold_keys;
    const auto hidden = [&](std::int64_t begin, std::int64_t end) {
        return visible(chunk, block, {begin, end}) == Visible::none;
    };
    Range part = keys;
    while (part.size() > fold && hidden(part.begin, part.begin + fold)) part.begin += fold;
    // From the back in folds counted from the front, so that what stays is whole folds.
    while (part.size() > fold) {
        const std::int64_t last = part.begin + (part.size() - 1) / fold * fold;
        if (!hidden(last, part.end)) break;
        part.end = last;
    }
    return part;
}

void attention_kernel(tl::Context& tl, const Launch& launch) {
    if (launch.heads.empty()) return;
    AttentionRun(tl, launch).all();
}

}  // namespace tilemesh::kernels
