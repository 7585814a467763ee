// SPDX-License-Identifier: Apache-2.0
// A rank's program runs in the order of its timeline. Transfers of chunks are issued between the blocks of whatever
// is being attended, each when it is due.
#include "kernels/attention/attention.h"

#include "kernels/attention/run.h"

#include <algorithm>

namespace tilemesh::kernels {

UserWork Run::work_of(int user) {
    const attention::NeedSets& needs = *launch_.needs;
    UserWork work;
    work.tensors = &launch_.users[static_cast<std::size_t>(user)];
    const Range queries = needs.queries_of(user, launch_.rank);
    const Range positions = needs.query_positions(user, launch_.rank);
    const attention::Tiling& tiling = launch_.tiling;
    for (std::int64_t h = 0; h < launch_.heads.size(); h += tiling.tile_heads) {
        for (std::int64_t t = 0; t < queries.size(); t += tiling.tile_queries) {
            QueryBlock block;
            block.heads = {h, std::min(h + tiling.tile_heads, launch_.heads.size())};
            block.tokens = {t, std::min(t + tiling.tile_queries, queries.size())};
            block.positions = {positions.begin + block.tokens.begin, positions.begin + block.tokens.end};
            work.blocks.push_back(std::move(block));
        }
    }
    for (const Action& action : launch_.schedule->program(launch_.rank)) {
        if (action.item.user != user) continue;
        if (action.kind == Action::Kind::merge || action.item.kind == Item::Kind::state) work.merges = true;
        if (action.kind != Action::Kind::attend) continue;
        const Range keys = needs.keys_of(user, action.item.id);
        for (QueryBlock& block : work.blocks) {
            if (problem_.mask->block(Viewer{user, 0}, block.positions, keys) != Visible::none) ++block.attends_left;
        }
    }
    work.registers[0].resize(work.blocks.size());
    return work;
}

void Run::row(const Issue& issue) {
    const Action& action = *issue.action;
    if (is_transfer(action)) {
        transfer(issue);
    } else if (action.kind == Action::Kind::attend) {
        attend(issue);
    } else {
        attention_.flush();
        if (action.kind == Action::Kind::merge) {
            merge_states(action);
        } else {
            move_state(action, static_cast<std::size_t>(issue.piece));
        }
    }
}

void Run::transfer(const Issue& issue) {
    const Action& action = *issue.action;
    if (action.kind == Action::Kind::send) {
        chunks_.send(action.item, issue.piece, action.peer);
    } else {
        chunks_.receive(action.item, issue.piece, action.peer);
    }
}

void Run::transfers_until(double time) {
    for (std::size_t i = next_ + 1; i < order_.size() && order_[i].time <= time; ++i) {
        if (issued_[i] || !is_transfer(*order_[i].action)) continue;
        issued_[i] = true;
        transfer(order_[i]);
    }
}

void Run::attend(const Issue& issue) {
    const Item& chunk = issue.action->item;
    UserWork& user = users_[static_cast<std::size_t>(chunk.user)];
    const std::vector<Range> tiles = chunks_.tiles_of(chunk);
    // The pipeline of stages puts this chunk's first scores before the last values of the chunk before, up to a block
    // ahead of their turn. That pays only if the chunk is here by then; else it would hold those values up.
    if (issue.data > attend_end_ - (attend_end_ - attend_begin_) / static_cast<double>(steps_total_))
        attention_.flush();
    steps_done_ = 0;
    steps_total_ = std::max<std::size_t>(1, tiles.size() * user.blocks.size());
    attend_begin_ = issue.time;
    attend_end_ = issue.end;
    // Groups of blocks of the same heads, so that a tile of keys serves all of them.
    std::vector<Group> groups;
    for (std::size_t i = 0; i < user.blocks.size(); ++i) {
        const bool joins = !groups.empty() && groups.back().blocks.front()->heads == user.blocks[i].heads &&
                           static_cast<std::int64_t>(groups.back().blocks.size()) < launch_.tiling.group_blocks;
        if (!joins) groups.emplace_back();
        Group& group = groups.back();
        group.blocks.push_back(&user.blocks[i]);
        group.tiles_left.push_back(0);
        for (const Range& keys : tiles) {
            const Visible visible =
                problem_.mask->block(Viewer{chunk.user, 0}, user.blocks[i].positions, key_positions(chunk, keys));
            group.tiles_left.back() += visible != Visible::none ? 1 : 0;
        }
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
        attend_group(chunk, user, tiles, groups[g], g + 1 < groups.size() ? &groups[g + 1] : nullptr);
    }
}

void Run::attend_group(const Item& chunk, UserWork& user, const std::vector<Range>& tiles, Group& group,
                       Group* next) {
    // Tiles of keys that somebody in the group sees; each is sent for one tile ahead of its use.
    std::vector<Range> seen;
    for (const Range& keys : tiles) {
        const auto sees = [&](const QueryBlock* block) {
            return problem_.mask->block(Viewer{chunk.user, 0}, block->positions, key_positions(chunk, keys)) !=
                   Visible::none;
        };
        if (std::any_of(group.blocks.begin(), group.blocks.end(), sees)) seen.push_back(keys);
    }
    steps_done_ += (tiles.size() - seen.size()) * group.blocks.size();
    enter(user, group);
    const Range heads = group.blocks.front()->heads;
    KeyTile tile, ahead;
    for (std::size_t t = 0; t < seen.size(); ++t) {
        tile = t == 0 ? chunks_.tile(chunk, heads, seen[0]) : std::move(ahead);
        ahead = t + 1 < seen.size() ? chunks_.tile(chunk, heads, seen[t + 1]) : KeyTile();
        // Half way through, what the next group needs is sent for.
        if (next && t == seen.size() / 2) enter(user, *next);
        const Range keys = key_positions(chunk, seen[t]);
        for (std::size_t b = 0; b < group.blocks.size(); ++b) {
            QueryBlock& block = *group.blocks[b];
            transfers_until(attend_begin_ + (attend_end_ - attend_begin_) * static_cast<double>(steps_done_++) /
                                                static_cast<double>(steps_total_));
            if (problem_.mask->block(Viewer{chunk.user, 0}, block.positions, keys) == Visible::none) continue;
            const Range part = visible_part(chunk.user, block, keys);
            const std::size_t index = user.index_of(block);
            Block work;
            work.q = block.q;
            work.k = tl_.slice(tile.k, 1, part.begin - keys.begin, part.end - keys.begin);
            work.v = tl_.slice(tile.v, 1, part.begin - keys.begin, part.end - keys.begin);
            work.state = &user.registers[0][index];
            if (problem_.mask->block(Viewer{chunk.user, 0}, block.positions, part) == Visible::some)
                work.mask = element_mask(chunk.user, block, part);
            if (--group.tiles_left[b] == 0) work.done = [this, &user, &block, index] { leave(user, block, index); };
            attention_.attend(std::move(work));
        }
    }
}

Range Run::visible_part(int user, const QueryBlock& block, Range keys) const {
    const std::int64_t fold = launch_.tiling.fold_keys;
    const auto hidden = [&](std::int64_t begin, std::int64_t end) {
        return problem_.mask->block(Viewer{user, 0}, block.positions, {begin, end}) == Visible::none;
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

Tile Run::element_mask(int user, const QueryBlock& block, Range keys) {
    const auto visible = [mask = problem_.mask.get(), user, first = block.positions.begin, keys,
                          g = static_cast<std::int32_t>(group())](std::int32_t, std::int32_t row,
                                                                  std::span<float> flags) {
        mask->row(Viewer{user, 0}, first + row / g, keys, flags);
    };
    return tl_.compare(Shape{1, block.tokens.size() * group(), keys.size()}, MaskRow(visible),
                       problem_.mask->compare_operations());
}

void attention_kernel(tl::Context& tl, const Launch& launch) {
    if (launch.heads.empty()) return;
    Run(tl, launch).all();
}

}  // namespace tilemesh::kernels
