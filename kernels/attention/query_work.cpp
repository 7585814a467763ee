// SPDX-License-Identifier: Apache-2.0
// The queries a PE works for: how they are cut into blocks, what of each chunk the blocks see, how they come into
// SRAM and how their results leave.
#include "kernels/attention/run.h"
#include "kernels/attention/side_by_side.h"
#include "sim/attention/traffic.h"

#include <algorithm>
#include <numbers>
#include <optional>
#include <utility>

namespace tilemesh::kernels {

std::size_t Visit::seen_by(std::size_t block) const {
    std::size_t seen = 0;
    for (std::size_t t = 0; t < tiles.size(); ++t) seen += at(t, block) != Visible::none ? 1 : 0;
    return seen;
}

AttentionRun::AttentionRun(tl::Context& tl, const Launch& launch)
    : tl_(tl),
      launch_(launch),
      problem_(*launch.problem),
      chunks_(tl, launch),
      terms_(tl, launch),
      attention_(tl, *launch.problem, launch.schedule->state_format().o, launch.tiling),
      states_(tl, launch),
      repeats_(repetition_of(tl, launch)) {
    find_work();
    find_in_common();
    std::size_t products = 0;
    for (const auto& [action, visit] : *in_common_.visits)
        for (std::size_t b = 0; b < visit.blocks; ++b) {
            const std::size_t seen = visit.seen_by(b);
            work_of(visit).blocks[b].visits_left += seen > 0 ? 1 : 0;
            products += seen;
        }
    if (products < worth_passing) repeats_ = Repeats(nullptr);
}

void AttentionRun::find_in_common() {
    // Nothing of a PE's own but how many heads it owns decides how many pieces a transfer has and how queries are
    // cut, and how much of which keys they see, unless every head has eyes of its own.
    using Known = std::map<std::int64_t, InCommon>;
    if (launch_.of_rank && !launch_.of_rank->has_value()) launch_.of_rank->emplace<Known>();
    InCommon alone;
    InCommon& known = launch_.of_rank ? std::any_cast<Known&>(*launch_.of_rank)[launch_.heads.size()] : alone;
    Visits visits;
    if (launch_.tiling.launches == attention::Launches::fused) {
        if (!known.order) known.order = std::make_shared<const std::vector<Issue>>(order_of_issue());
        order_ = *known.order;
        gather_visits(known.visits ? nullptr : &visits);
    } else if (!known.visits) {
        visits = visits_of_launches();
    } else {
        for (const auto& [action, visit] : *known.visits) work_of(*action);
    }
    in_common_ = known;
    if (in_common_.visits) return;
    in_common_.visits = std::make_shared<const Visits>(std::move(visits));
    if (!problem_.mask->varies_by_head()) known.visits = in_common_.visits;
}

std::vector<Issue> AttentionRun::order_of_issue() {
    const attention::Schedule& schedule = *launch_.schedule;
    const auto& program = (*launch_.timeline)[static_cast<std::size_t>(launch_.rank)];
    std::vector<Issue> found = issue_order(launch_.rank, schedule, program, [&](const Action& action) {
        return action.item.kind == Item::Kind::chunk ? messages(action).size() : work_of(action).blocks.size();
    });
    if (!launch_.tiling.short_blocks()) return found;
    std::any alone;
    std::any& known = launch_.of_table ? *launch_.of_table : alone;
    if (!known.has_value()) {
        std::optional<SideBySide>& all = known.emplace<std::optional<SideBySide>>();
        // What nothing is merged with has nothing to be beside: it leaves as it is done.
        if (schedule.moves_results_alone() && attention::count(schedule).merges > 0)
            all.emplace(schedule, *launch_.timeline, launch_.tiling.fold_keys);
    }
    const auto& all = std::any_cast<const std::optional<SideBySide>&>(known);
    return all ? all->order(launch_.rank, found) : found;
}

Visits AttentionRun::visits_of_launches() {
    Visits visits;
    for (const attention::TimedAction& timed : (*launch_.timeline)[static_cast<std::size_t>(launch_.rank)])
        if (timed.action->kind == Action::Kind::attend) {
            visits[timed.action].first = timed.action;
            add_to(visits[timed.action], *timed.action);
        }
    return visits;
}

void AttentionRun::gather_visits(Visits* made) {
    issued_.assign(order_.size(), false);
    const QueryWork* open = nullptr;  // of the visit that rows may join
    Visit* visit = nullptr;
    for (std::size_t i = 0; i < order_.size(); ++i) {
        const Issue& issue = order_[i];
        if (issue.action->moves()) continue;
        if (issue.action->kind != Action::Kind::attend) {
            open = nullptr;
            continue;
        }
        const QueryWork* const work = &work_of(*issue.action);
        issued_[i] = issue.joins && open == work;
        open = work;
        if (!issued_[i]) ++visits_left_;
        if (!made) continue;
        if (!issued_[i]) {
            visit = &(*made)[issue.action];
            visit->first = issue.action;
            visit->begin = issue.time;
            visit->data = issue.data;
        }
        visit->end = issue.end;
        visit->weighed = issue.weighed;
        add_to(*visit, *issue.action);
    }
}

void AttentionRun::add_to(Visit& visit, const Action& attend) {
    const QueryWork& work = work_of(attend);
    visit.queries = work.queries;
    visit.blocks = work.blocks.size();
    const attention::Tokens& tokens = launch_.needs->keys(attend.item.user, attend.item.id);
    const Ranges tiles = chunks_.tiles_of(attend.item, attend.keys);
    // Most blocks see all or nothing of many tiles that lie side by side: that is asked once.
    for (std::size_t begin = 0, end = 0; begin < tiles.size(); begin = end) {
        const auto side_by_side = [&](std::size_t t) {
            return tiles[t].begin == tiles[t - 1].end &&
                   tokens.cut({tiles[begin].begin, tiles[t].end}, tokens.size()).size() == 1;
        };
        for (end = begin + 1; end < tiles.size() && side_by_side(end);) ++end;
        const std::size_t first = visit.visible.size(), blocks = visit.blocks;
        visit.visible.resize(first + (end - begin) * blocks);
        for (std::size_t t = begin; t < end; ++t) visit.tiles.push_back({attend.item, tiles[t]});
        for (std::size_t b = 0; b < blocks; ++b) {
            const QueryBlock& block = work.blocks[b];
            const Visible whole = visible(block, {attend.item, {tiles[begin].begin, tiles[end - 1].end}});
            for (std::size_t t = begin; t < end; ++t)
                visit.visible[first + (t - begin) * blocks + b] =
                    whole == Visible::some ? visible(block, {attend.item, tiles[t]}) : whole;
        }
    }
}

void AttentionRun::find_work() {
    const attention::NeedSets& needs = *launch_.needs;
    const int owner = needs.owner_of(launch_.rank);
    const bool everywhere = !needs.queries_replicated() || launch_.schedule->results_everywhere();
    for (int user = 0; user < needs.users(); ++user)
        for (int part = 0; part < launch_.schedule->head_parts(); ++part)
            work_for(user, owner, part).finishes = everywhere || part == launch_.rank;
    for (const Action& action : launch_.schedule->program(launch_.rank))
        if (action.item.kind == Item::Kind::state) work_of(action).merges = true;
}

QueryWork& AttentionRun::work_for(int user, int owner, int head_part) {
    const Item queries{Item::Kind::queries, user, owner, 0, head_part};
    const auto [entry, created] = works_.try_emplace(queries);
    QueryWork& work = entry->second;
    if (!created) return work;
    const attention::NeedSets& needs = *launch_.needs;
    work.queries = queries;
    work.result = work.target = {Item::Kind::state, user, owner, 0, head_part};
    work.own = owner == needs.owner_of(launch_.rank);
    const Range heads = launch_.heads_of_part(head_part);
    const attention::Tokens& tokens = needs.queries(user, owner);
    for (std::int64_t h = heads.begin; h < heads.end; h += launch_.tiling.tile_heads)
        for (const Range& part : tokens.cut({0, tokens.size()}, launch_.tiling.tile_queries)) {
            QueryBlock block;
            block.rows = {{h, std::min(h + launch_.tiling.tile_heads, heads.end)}, part, heads.begin};
            block.positions = needs.query_positions(user, owner, part);
            work.blocks.push_back(std::move(block));
        }
    return work;
}

Visible AttentionRun::visible(const QueryBlock& block, const ChunkTile& tile) const {
    return attention::visible(*problem_.mask, {tile.chunk.user, query_heads(block)}, block.positions,
                              launch_.needs->keys(tile.chunk.user, tile.chunk.id).run(tile.keys));
}

QueryWork& AttentionRun::work_of(const Action& action) {
    const bool attends = action.kind == Action::Kind::attend;
    return work_for(action.item.user, attends ? action.owner : action.item.id, action.item.head_part);
}

Tile AttentionRun::load_queries(const QueryWork& work, const QueryBlock& block) {
    Tensor* tensor =
        work.own ? launch_.users[static_cast<std::size_t>(work.queries.user)].q : launch_.queries.at(work.queries);
    const std::int64_t first = work.own ? 0 : block.rows.first_head;
    return tl_.load(tl::at(*tensor, block.rows.heads.begin - first, block.rows.tokens.begin * problem_.group()),
                    rows_shape(block, problem_.head_dim), problem_.dtype);
}

void AttentionRun::enter(QueryWork& work, Group& group) {
    if (std::exchange(group.entered, true)) return;
    group.entering = repeats_.aside([&] {
        for (std::size_t b = 0; b < group.blocks.size(); ++b)
            if (group.tiles_left[b] > 0) enter(work, group.blocks[b]);
    });
}

void AttentionRun::enter(QueryWork& work, std::size_t index) {
    QueryBlock& block = work.blocks[index];
    // Its state must have left for HBM before it can come in again.
    if (!launch_.tiling.queries_stay) complete(work, index);
    ++block.in_flight;
    if (!block.q) block.q = load_queries(work, block);
    states_.take(work.target, index, block.rows);
}

void AttentionRun::complete(const QueryWork& work, std::size_t index) {
    // With nothing left to overlap with, blocks held back would only stand behind what merges wait for.
    if (launch_.tiling.queries_stay && visits_left_ == 0) attention_.flush();
    const QueryBlock& block = work.blocks[index];
    if (block.in_flight > 0) attention_.complete(states_.take(work.target, index, block.rows));
}

void AttentionRun::leave(QueryWork& work, std::size_t index) {
    QueryBlock& block = work.blocks[index];
    --block.in_flight;
    const bool last = --block.visits_left == 0;
    if (!launch_.tiling.queries_stay || (last && work.own)) block.q = Tile();
    if (launch_.tiling.launches != attention::Launches::fused) {
        left_.push_back(index);
        if (left_.size() > left_behind) settle(work);
    } else if (last && work.finishes && !work.merges && work.own) {
        write_result(work, block, finished(work, block, states_.take(work.result, index, block.rows)));
        states_.drop(work.result, index);
    } else {
        states_.put_back(work.result, index, block.rows);
    }
}

Tile AttentionRun::sinks(const QueryWork& work, const QueryBlock& block) {
    // They are kept for the blocks that follow: whether they are loaded hangs on what came before.
    Tile sinks;
    repeats_.aside([&] {
        sinks =
            terms_.sinks(work.queries.user, block.rows.heads, block.rows.tokens.size(), std::numbers::log2e_v<float>);
    });
    return sinks;
}

Result AttentionRun::finished(const QueryWork& work, const QueryBlock& block, const State& state) {
    return kernels::finish(tl_, state, problem_, sinks(work, block));
}

void AttentionRun::write_result(const QueryWork& work, QueryBlock& block, const Result& result) {
    const attention::UserTensors& tensors = launch_.users[static_cast<std::size_t>(work.queries.user)];
    const std::int64_t row = block.rows.tokens.begin * problem_.group();
    tl_.store(tl::at(*tensors.o, block.rows.heads.begin, row), result.o);
    tl_.store(tl::at(*tensors.lse, block.rows.heads.begin, row), result.lse);
    block.written = true;
}

void AttentionRun::finish(const std::vector<QueryWork*>& works) {
    struct Place {
        QueryWork* work;
        std::size_t block;
    };
    // As many side by side as there is room for.
    const auto most = static_cast<std::size_t>(launch_.tiling.finished_together());
    std::vector<Place> places;
    const auto write = [&] {
        std::vector<Finished> all;
        for (const auto& [work, i] : places) {
            const QueryBlock& block = work->blocks[i];
            all.push_back({&states_.take(work->result, i, block.rows), sinks(*work, block)});
        }
        const std::vector<Result> results = kernels::finish(tl_, all, problem_);
        for (std::size_t n = 0; n < places.size(); ++n) {
            write_result(*places[n].work, places[n].work->blocks[places[n].block], results[n]);
            states_.drop(places[n].work->result, places[n].block);
        }
        places.clear();
    };
    // Merged results are complete only now; blocks that never saw a key have no state. Others were written when they
    // had seen their last.
    for (QueryWork* work : works) {
        if (!work->finishes || !work->own) continue;
        for (std::size_t i = 0; i < work->blocks.size(); ++i) {
            QueryBlock& block = work->blocks[i];
            if (states_.written(work->result, i)) {
                places.push_back({work, i});
                if (places.size() == most) write();
            } else if (!block.written) {
                write_result(*work, block,
                             nothing_visible(tl_, rows_shape(block, problem_.value_dim), problem_.output_dtype(),
                                             sinks(*work, block)));
            }
        }
    }
    write();
}

void AttentionRun::send_queries(const Action& action, std::span<const int> to, std::size_t index) {
    QueryWork& work = work_of(action);
    const QueryBlock& block = work.blocks[index];
    const Tile q = block.q ? block.q : load_queries(work, block);
    tl_.multicast(launch_.peers_of(to), q);
}

void AttentionRun::receive_queries(const Action& action, std::size_t index) {
    QueryWork& work = work_of(action);
    QueryBlock& block = work.blocks[index];
    Tile q = tl_.recv(launch_.peers[static_cast<std::size_t>(action.peer)], rows_shape(block, problem_.head_dim),
                      problem_.dtype);
    if (launch_.tiling.queries_stay) {
        block.q = std::move(q);
        return;
    }
    tl_.store(tl::at(*launch_.queries.at(work.queries), block.rows.heads.begin - block.rows.first_head,
                     block.rows.tokens.begin * problem_.group()),
              q);
}

}  // namespace tilemesh::kernels
