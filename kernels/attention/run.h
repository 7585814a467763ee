// SPDX-License-Identifier: Apache-2.0
// One PE's run of a schedule: the queries it works for, its own or others', and the rows it goes through. The order
// of issue is in attention.cpp, how queries are cut, fetched and finished in query_work.cpp, partial results in
// states.h, keys and values in chunks.h.
#pragma once

#include "kernels/attention/attend.h"
#include "kernels/attention/chunks.h"
#include "kernels/attention/issue_order.h"
#include "kernels/attention/repeats.h"
#include "kernels/attention/states.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tilemesh::kernels {

using attention::Run;
using attention::Visible;

/// A block of queries: some kv heads (with their query heads) and some tokens, all of one run.
struct QueryBlock {
    BlockRows rows;
    attention::Run positions;
    Tile q;
    int visits_left = 0;   // still to come in which it sees something
    int in_flight = 0;     // visits of which the pipeline of stages may hold something back
    bool written = false;  // its result has been stored
};

/// What this PE does for the queries of one rank (and user, and head part).
struct QueryWork {
    Item queries;
    Item result;            // register 0 of these queries
    Item target;            // the register that attends add to: the result, or that of launches
    bool own = false;       // this rank's, in its own HBM; else they came as messages
    bool merges = false;    // the state is needed to the end: partial results come in, or it is sent
    bool finishes = false;  // the result is to be written here
    bool in_part = false;   // the block product under way leaves out queries that see nothing of its chunk
    std::vector<QueryBlock> blocks;
};

struct ChunkTile {
    Item chunk;
    Range keys;
};

/// The blocks of one work come into SRAM once and go past the keys of one row of the table, or of several.
struct Visit {
    Item queries;                   // that the work is for
    const Action* first = nullptr;  // of its rows
    std::size_t blocks = 0;
    std::vector<ChunkTile> tiles;
    std::vector<Visible> visible;                  // what the blocks see of the tiles: by tile, by block
    double begin = 0.0, end = 0.0, weighed = 0.0;  // of all its rows (timeline.h)
    double data = 0.0;                             // when all of it would be here
    Where where() const { return Where::step(*first); }
    Visible at(std::size_t tile, std::size_t block) const { return visible[tile * blocks + block]; }
    /// Tiles of which the block sees something.
    std::size_t seen_by(std::size_t block) const;
};

using Visits = std::map<const Action*, Visit>;  // by their first row

/// What the members of a rank have in common that own as many heads, and see alike.
struct InCommon {
    std::shared_ptr<const std::vector<Issue>> order;
    std::shared_ptr<const Visits> visits;
};

/// Query blocks that are in SRAM together while the keys of a visit stream past.
struct Group {
    std::vector<std::size_t> blocks;
    std::vector<std::size_t> tiles_left;  // by block: tiles it still has to see
    bool entered = false;
    // Where work that repeats is passed over:
    Stretch stretch;
    Effort entering;  // what bringing its queries and states in took
};

class AttentionRun {
public:
    AttentionRun(tl::Context& tl, const Launch& launch);
    void all();

private:
    attention::Range query_heads(const QueryBlock& block) const {
        return problem_.query_heads(
            {launch_.heads.begin + block.rows.heads.begin, launch_.heads.begin + block.rows.heads.end});
    }
    Shape rows_shape(const QueryBlock& block, std::int64_t cols) const {
        return {block.rows.heads.size(), block.rows.tokens.size() * problem_.group(), cols};
    }
    Visible visible(const QueryBlock& block, const ChunkTile& tile) const;
    TermRows term_rows(const QueryWork& work, const QueryBlock& block) const {
        return {work.queries.user, work.queries.id, block.rows.heads, block.rows.tokens, block.positions};
    }
    /// In base 2, for kernels::finish.
    Tile sinks(const QueryWork& work, const QueryBlock& block);
    Result finished(const QueryWork& work, const QueryBlock& block, const State& state);

    // query_work.cpp
    QueryWork& work_for(int user, int owner, int head_part);
    void find_work();
    /// The queries that the row attends for, moves or merges.
    QueryWork& work_of(const Action& action);
    QueryWork& work_of(const Visit& visit) { return works_.at(visit.queries); }
    const QueryWork& work_of(const Visit& visit) const { return works_.at(visit.queries); }
    /// Brings in_common_ to what it is to be: from members that came before, or for those that come.
    void find_in_common();
    std::vector<Issue> order_of_issue();
    /// Rows of one visit are worked on together: a block's queries and state go through HBM once per visit. Which
    /// rows they are; and what is in them, into `made`, unless it is null.
    void gather_visits(Visits* made);
    /// Every row is a visit.
    Visits visits_of_launches();
    void add_to(Visit& visit, const Action& attend);
    /// Brings queries and states into SRAM, once.
    void enter(QueryWork& work, Group& group);
    void enter(QueryWork& work, std::size_t block);
    /// Brings what the pipeline of stages holds back of the block to its end.
    void complete(const QueryWork& work, std::size_t block);
    /// The block has seen all it sees of a visit.
    void leave(QueryWork& work, std::size_t block);
    void write_result(const QueryWork& work, QueryBlock& block, const Result& result);
    /// Of one or of several.
    void finish(const std::vector<QueryWork*>& works);
    Tile load_queries(const QueryWork& work, const QueryBlock& block);
    void send_queries(const Action& action, std::span<const int> to, std::size_t block);
    void receive_queries(const Action& action, std::size_t block);

    // merges.cpp
    void merge_states(std::size_t i);
    /// Of the row at `next_`, and beside it of those after it that could begin as early, if no row between that is
    /// not one of them touches what they do: the commands of one wait for each other.
    void weigh_merges();
    /// That row and those after it in the same part of a step.
    std::vector<const Action*> merges_beside(std::size_t first);
    /// Of these their maxima and what both sides are multiplied by, and later what is left.
    void weigh_step(const std::vector<const Action*>& rows);
    void merge_step(const std::vector<const Action*>& rows);
    /// Nothing where no partial result came.
    std::optional<Merge> merge_of(const Action& action, std::size_t block);

    // launches.cpp
    /// The rows of the table step by step, each as launches of its own.
    void all_by_launches();
    void exchange(const std::vector<const Action*>& rows);
    void launch_attend(const Action& action);
    /// The work of the blocks of one attend, in the order in which they are dealt.
    LaunchedWork blocks_of(const Visit& visit) const;
    void merge_launched(QueryWork& work);
    bool leaves_out_queries(const Visit& visit) const;
    /// Normalises the first of the blocks that have left; the result of the only block product is written at once.
    void settle(QueryWork& work);

    // passing.cpp: where work that repeats is passed over
    /// Blocks of queries times tiles of keys. With fewer the few that are measured, and what comes before and behind
    /// those that are passed over, are too large a part of the time.
    static constexpr std::size_t worth_passing = 2048;
    /// Null where queries or partial results travel: what a block takes depends on where others are then.
    static Repetition* repetition_of(tl::Context& tl, const Launch& launch);
    void begin_repeats(const Visit& visit, std::vector<Group>& groups);
    /// What attending the group would be.
    Stretch stretch_of(const Visit& visit, const Group& group) const;
    /// Transfers due between two of the visit's steps, as the timeline has it.
    std::size_t transfers_between(const Visit& visit, std::size_t begin, std::size_t end) const;
    /// When the next one is due; infinite: none before the rows that come next.
    double next_transfer();
    /// Of the group under way, from this tile on: rounds that may be passed over.
    std::size_t rounds_to_pass(std::size_t tile, std::size_t tiles, const Group* next) const;
    /// Tiles of keys that somebody in the group sees.
    std::vector<std::size_t> tiles_seen(const Visit& visit, const Group& group) const;
    /// It is known, its keys are there, and the next one need not be measured behind it.
    bool may_pass(const Visit& visit, const Group& group, const Group* next) const;
    /// Has the tile to be sent for, by what is passed over?
    bool wants(std::size_t tile) const;
    KeyTile send_for(const Visit& visit, const Group& group, std::size_t tile);
    void pass_over(const Visit& visit, Group& group, Group* next);
    struct PassedTiles {
        const std::vector<std::size_t>* seen;  // by the group: numbers of the visit's tiles
        std::size_t begin, end;                // of those
    };
    /// What is left to do while the group goes past the tiles; `ahead` is the first of them, if it was sent for, and
    /// `send_for_next` sends for the one behind the last.
    void pass_tiles(const Visit& visit, Group& group, const PassedTiles& tiles, Group* next, KeyTile ahead,
                    const std::function<void()>& send_for_next);
    /// The state of the block, whatever it is, leaves as it would.
    void leave_passed(QueryWork& work, std::size_t block);

    // attention.cpp
    /// Keys of each message of a transfer of a chunk.
    Ranges messages(const Action& action) const { return messages_of(action.keys, launch_.tiling.piece_keys); }
    /// Of order_.
    void row(std::size_t i);
    void transfer(const Issue& issue);
    /// Of the rows behind the one that is next, the first that was not issued.
    std::size_t first_left();
    /// Issues the transfers due by `time`, and the merges of steps.
    void transfers_until(double time);
    void fence();
    void attend(const Visit& visit);
    void attend_group(const Visit& visit, Group& group, Group* next);
    /// Of the visit, when so many of its steps are done.
    double time_of_step(const Visit& visit, std::size_t steps) const {
        return visit.begin +
               (visit.end - visit.begin) * static_cast<double>(steps) / static_cast<double>(steps_total_);
    }
    /// The tile without leading and trailing folds of keys that the block does not see at all.
    ChunkTile visible_part(const QueryBlock& block, const ChunkTile& tile) const;

    tl::Context& tl_;
    const Launch& launch_;
    const attention::Problem& problem_;
    Chunks chunks_;
    TermSource terms_;
    Attention attention_;
    States states_;
    std::map<Item, QueryWork> works_;  // by queries
    InCommon in_common_;
    std::span<const Issue> order_;  // all of it
    std::vector<bool> issued_;
    std::size_t next_ = 0, left_from_ = 0;  // left_from_: see first_left()
    std::size_t visits_left_ = 0;           // not yet issued in full
    /// Blocks whose last values are on their way: their division comes after the next blocks' exponentials, or the
    /// vector engine would wait for the product.
    static constexpr std::size_t left_behind = 2;
    std::deque<std::size_t> left_;
    std::map<const Action*, std::vector<Merge>> weighed_;  // merges of which the rest is still to come
    bool merged_ = false;                                  // something, already
    std::size_t steps_done_ = 0, steps_total_ = 1;         // of the visit under way: blocks times tiles
    Repeats repeats_;
    std::vector<bool> sent_for_;  // by tile of the visit: somebody has
};

}  // namespace tilemesh::kernels
