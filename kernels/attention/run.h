// SPDX-License-Identifier: Apache-2.0
// One PE's run of a schedule: what it keeps of its queries and their states, and the steps it goes through. The order
// of issue is in attention.cpp, the life of states in states.cpp.
#pragma once

#include "kernels/attention/attend.h"
#include "kernels/attention/chunks.h"
#include "kernels/attention/issue_order.h"

#include <map>
#include <vector>

namespace tilemesh::kernels {

using attention::Action;
using attention::Item;
using attention::Launch;
using attention::Range;
using attention::Viewer;
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
    Range visible_part(int user, const QueryBlock& block, Range keys) const;
    Tile element_mask(int user, const QueryBlock& block, Range keys);
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

}  // namespace tilemesh::kernels
