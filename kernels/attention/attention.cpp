// SPDX-License-Identifier: Apache-2.0
// A rank's program runs in the order of its timeline. Transfers of chunks are issued between the blocks of whatever
// is being attended, each when it is due. A query block's state (m, l, o) stays in SRAM when all of them fit; else it
// lives in HBM between chunks and comes in with its block.
#include "kernels/attention/attention.h"

#include "kernels/attention/attend.h"
#include "kernels/attention/chunks.h"
#include "kernels/attention/issue_order.h"

#include <algorithm>
#include <map>

namespace tilemesh::kernels {
namespace {

using attention::Action;
using attention::Item;
using attention::Launch;
using attention::Range;
using attention::Visible;

/// A block of this PE's queries: some kv heads (with their query heads) and some tokens.
struct QueryBlock {
    Range heads;      // counted from this PE's first
    Range tokens;     // counted from this rank's first
    Range positions;  // of the tokens
    Tile q;
    int attends_left = 0;    // chunks still to come of which it sees something
    bool in_flight = false;  // some of its work is held back by the pipeline of stages
    bool started = false;
};

/// What this PE does for one user.
struct UserWork {
    const attention::UserTensors* tensors = nullptr;
    std::vector<QueryBlock> blocks;
    std::map<int, std::vector<State>> registers;  // by register number, by block; register 0 is attended into
    bool merges = false;                          // partial results of other ranks come in
    std::size_t index_of(const QueryBlock& block) const { return static_cast<std::size_t>(&block - blocks.data()); }
};

/// Query blocks that are in SRAM together while the keys of a chunk stream past.
struct Group {
    std::vector<QueryBlock*> blocks;
    std::vector<std::size_t> tiles_left;  // by block: tiles it still has to see
    bool entered = false;
};

class Run {
public:
    Run(tl::Context& tl, const Launch& launch)
        : tl_(tl),
          launch_(launch),
          problem_(*launch.problem),
          chunks_(tl, launch),
          attention_(tl, launch.problem->scale) {
        std::vector<int> blocks;
        for (int user = 0; user < launch.needs->users(); ++user) {
            users_.push_back(work_of(user));
            blocks.push_back(static_cast<int>(users_.back().blocks.size()));
        }
        order_ = issue_order((*launch.timeline)[static_cast<std::size_t>(launch.rank)], *launch.needs,
                             launch.tiling.piece_keys, blocks);
        issued_.assign(order_.size(), false);
    }

    void all() {
        for (next_ = 0; next_ < order_.size(); ++next_) {
            if (!issued_[next_]) row(order_[next_]);
        }
        attention_.flush();
        for (UserWork& user : users_) finish_rest(user);
    }

private:
    bool keeps_states(const UserWork& user) const { return launch_.tiling.queries_stay || user.merges; }
    static bool is_transfer(const Action& action) {
        return (action.kind == Action::Kind::send || action.kind == Action::Kind::receive) &&
               action.item.kind == Item::Kind::chunk;
    }
    Range key_positions(const Item& chunk, Range keys) const {
        const std::int64_t first = launch_.needs->keys_of(chunk.user, chunk.id).begin;
        return {first + keys.begin, first + keys.end};
    }
    std::int64_t group() const { return problem_.group(); }
    Shape rows_shape(const QueryBlock& block, std::int64_t cols) const {
        return {block.heads.size(), block.tokens.size() * group(), cols};
    }
    tl::Pointer rows_at(Tensor& tensor, const QueryBlock& block) const {
        return tl::at(tensor, block.heads.begin, block.tokens.begin * group());
    }

    UserWork work_of(int user);
    void row(const Issue& issue);
    void transfer(const Issue& issue);
    /// Issues the chunk transfers due by `time`.
    void transfers_until(double time);
    void attend(const Issue& issue);
    void attend_group(const Item& chunk, UserWork& user, const std::vector<Range>& tiles, Group& group, Group* next);
    /// Brings queries and states into SRAM, once.
    void enter(UserWork& user, Group& group);
    void enter(UserWork& user, QueryBlock& block, std::size_t index);
    void leave(UserWork& user, QueryBlock& block, std::size_t index);
    /// The tile without leading and trailing folds of keys that the block does not see at all.
    Range visible_part(const QueryBlock& block, Range keys) const;
    Tile element_mask(const QueryBlock& block, Range keys);
    void write_result(UserWork& user, const QueryBlock& block, const Result& result);
    void finish_rest(UserWork& user);
    void merge_states(const Action& action);
    /// Sends or receives the partial result of one query block.
    void move_state(const Action& action, std::size_t block);

    tl::Context& tl_;
    const Launch& launch_;
    const attention::Problem& problem_;
    Chunks chunks_;
    Attention attention_;
    std::vector<Issue> order_;
    std::vector<bool> issued_;
    std::size_t next_ = 0;
    std::vector<UserWork> users_;
    std::size_t steps_done_ = 0, steps_total_ = 1;  // blocks of the chunk being attended
    double attend_begin_ = 0.0, attend_end_ = 0.0;
};

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
            if (problem_.mask->block(block.positions, keys) != Visible::none) ++block.attends_left;
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
            const Visible visible = problem_.mask->block(user.blocks[i].positions, key_positions(chunk, keys));
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
            return problem_.mask->block(block->positions, key_positions(chunk, keys)) != Visible::none;
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
            if (problem_.mask->block(block.positions, keys) == Visible::none) continue;
            const Range part = visible_part(block, keys);
            const std::size_t index = user.index_of(block);
            Block work;
            work.q = block.q;
            work.k = tl_.slice(tile.k, 1, part.begin - keys.begin, part.end - keys.begin);
            work.v = tl_.slice(tile.v, 1, part.begin - keys.begin, part.end - keys.begin);
            work.state = &user.registers[0][index];
            if (problem_.mask->block(block.positions, part) == Visible::some) work.mask = element_mask(block, part);
            if (--group.tiles_left[b] == 0) work.done = [this, &user, &block, index] { leave(user, block, index); };
            attention_.attend(std::move(work));
        }
    }
}

void Run::enter(UserWork& user, Group& group) {
    if (std::exchange(group.entered, true)) return;
    for (std::size_t b = 0; b < group.blocks.size(); ++b) {
        if (group.tiles_left[b] > 0) enter(user, *group.blocks[b], user.index_of(*group.blocks[b]));
    }
}

void Run::enter(UserWork& user, QueryBlock& block, std::size_t index) {
    // Its state must have left for HBM before it can come in again.
    if (block.in_flight && !keeps_states(user)) attention_.flush();
    block.in_flight = true;
    const attention::UserTensors& tensors = *user.tensors;
    if (!block.q)
        block.q = tl_.load(rows_at(*tensors.q, block), rows_shape(block, problem_.head_dim), problem_.dtype);
    if (block.started && !keeps_states(user)) {
        State& state = user.registers[0][index];
        state.m = tl_.load(rows_at(*tensors.m, block), rows_shape(block, 1), Dtype::f32);
        state.l = tl_.load(rows_at(*tensors.l, block), rows_shape(block, 1), Dtype::f32);
        state.o = tl_.load(rows_at(*tensors.acc, block), rows_shape(block, problem_.value_dim), Dtype::f32);
    }
    block.started = true;
}

void Run::leave(UserWork& user, QueryBlock& block, std::size_t index) {
    const attention::UserTensors& tensors = *user.tensors;
    State& state = user.registers[0][index];
    block.in_flight = false;
    const bool last = --block.attends_left == 0;
    if (last || !launch_.tiling.queries_stay) block.q = Tile();
    if (user.merges) return;
    if (last) {
        write_result(user, block, finish(tl_, state, problem_.dtype));
        state = State();
    } else if (!keeps_states(user)) {
        tl_.store(rows_at(*tensors.m, block), state.m);
        tl_.store(rows_at(*tensors.l, block), state.l);
        tl_.store(rows_at(*tensors.acc, block), state.o);
        state = State();
    }
}

Range Run::visible_part(const QueryBlock& block, Range keys) const {
    const std::int64_t fold = launch_.tiling.fold_keys;
    const auto hidden = [&](std::int64_t begin, std::int64_t end) {
        return problem_.mask->block(block.positions, {begin, end}) == Visible::none;
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

Tile Run::element_mask(const QueryBlock& block, Range keys) {
    const auto visible =
        [mask = problem_.mask.get(), first = block.positions.begin, keys, g = static_cast<std::int32_t>(group())](
            std::int32_t, std::int32_t row, std::span<float> flags) { mask->row(first + row / g, keys, flags); };
    return tl_.compare(Shape{1, block.tokens.size() * group(), keys.size()}, MaskRow(visible),
                       problem_.mask->compare_operations());
}

void Run::write_result(UserWork& user, const QueryBlock& block, const Result& result) {
    tl_.store(rows_at(*user.tensors->o, block), result.o);
    tl_.store(rows_at(*user.tensors->lse, block), result.lse);
}

void Run::finish_rest(UserWork& user) {
    // Merged results are complete only now; blocks that never saw a key have no state.
    for (std::size_t i = 0; i < user.blocks.size(); ++i) {
        QueryBlock& block = user.blocks[i];
        State& state = user.registers[0][i];
        if (user.merges && state) {
            write_result(user, block, finish(tl_, state, problem_.dtype));
        } else if (user.merges || !block.started) {
            write_result(user, block, nothing_visible(tl_, rows_shape(block, problem_.value_dim), problem_.dtype));
        }
        state = State();
    }
    user.registers.clear();
}

void Run::merge_states(const Action& action) {
    UserWork& user = users_[static_cast<std::size_t>(action.item.user)];
    std::vector<State>& states = user.registers[action.item.id];
    std::vector<State>& other = user.registers[action.other];
    states.resize(user.blocks.size());
    other.resize(user.blocks.size());
    for (std::size_t i = 0; i < states.size(); ++i) merge(tl_, states[i], other[i]);
}

void Run::move_state(const Action& action, std::size_t index) {
    UserWork& user = users_[static_cast<std::size_t>(action.item.user)];
    std::vector<State>& states = user.registers[action.item.id];
    states.resize(user.blocks.size());
    const int pe = launch_.peers[static_cast<std::size_t>(action.peer)];
    const QueryBlock& block = user.blocks[index];
    State& state = states[index];
    if (action.kind == Action::Kind::receive) {
        state.m = tl_.recv(pe, rows_shape(block, 1), Dtype::f32);
        state.l = tl_.recv(pe, rows_shape(block, 1), Dtype::f32);
        state.o = tl_.recv(pe, rows_shape(block, problem_.value_dim), Dtype::f32);
        return;
    }
    if (!state) {  // this rank's share saw nothing for these rows: the neutral state
        state.m = tl_.full(rows_shape(block, 1), lowest_score);
        state.l = tl_.zeros(rows_shape(block, 1));
        state.o = tl_.zeros(rows_shape(block, problem_.value_dim));
    }
    tl_.send(pe, state.m);
    tl_.send(pe, state.l);
    tl_.send(pe, state.o);
}

}  // namespace

void attention_kernel(tl::Context& tl, const Launch& launch) {
    if (launch.heads.empty()) return;
    Run(tl, launch).all();
}

}  // namespace tilemesh::kernels
