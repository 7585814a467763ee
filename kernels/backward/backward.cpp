// SPDX-License-Identifier: Apache-2.0
// A rank's program runs in the order of its timeline, as in the forward kernel. An attend goes over tiles of keys;
// per tile over the blocks of queries that see it, so that dk and dv of a tile are complete when it is left, and dq
// of a block is what is taken up again.
#include "kernels/backward/backward.h"

#include "kernels/attention/element_mask.h"
#include "kernels/backward/cells.h"
#include "kernels/backward/run.h"
#include "sim/base/error.h"

namespace tilemesh::kernels {

BackwardRun::BackwardRun(tl::Context& tl, const Launch& launch)
    : tl_(tl),
      launch_(launch),
      chunks_(tl, launch),
      terms_(tl, launch),
      gradients_(tl, *launch.problem),
      rows_(tl, launch),
      registers_(tl, launch) {
    const auto& program = (*launch.timeline)[static_cast<std::size_t>(launch.rank)];
    for (const attention::TimedAction& timed : program) prepare(*timed.action);
    find_merges(program);
    if (launched()) return;  // their order is that of steps
    order_ = issue_order(launch.rank, *launch.schedule, program, [&](const Action& action) {
        if (is_sinks(action)) return rows_.sinks(action.item.user).size();
        return is_gradient(action) ? pieces_.at(&action).size() : messages_.at(&action).size();
    });
    issued_.assign(order_.size(), false);
}

void BackwardRun::all() {
    launched() ? all_by_launches() : all_at_once();
    rows_.finish();
    if (launch_.rank == 0)
        for (int user = 0; user < launch_.needs->users(); ++user) rows_.store_sinks(user);
    for (int user = 0; user < launch_.needs->users(); ++user) registers_.finish(user);
}

void BackwardRun::all_at_once() {
    rows_.begin();
    for (next_ = 0; next_ < order_.size(); ++next_)
        if (!issued_[next_]) row(order_[next_]);
    gradients_.flush();
}

void BackwardRun::prepare(const Action& action) {
    if (action.kind == Action::Kind::fence || is_sinks(action)) return;
    const bool attends = action.kind == Action::Kind::attend;
    if ((attends && action.owner != launch_.rank) || action.item.head_part != 0 ||
        (!is_gradient(action) && action.item.kind != Item::Kind::chunk))
        fail<InternalError>("the backward kernel runs tables of whole chunks and their gradients, found {}",
                            name_of(action.item));
    if (attends) {
        plans_[&action] = plan(action);
    } else if (is_gradient(action)) {
        pieces_[&action] = registers_.pieces(chunk_of(action), action.keys);
    } else {
        messages_[&action] = messages_of(action.keys, launch_.tiling.piece_keys);
    }
}

void BackwardRun::find_merges(const std::vector<attention::TimedAction>& program) {
    const auto source = [](const Action& action) {
        Item from = action.item;
        from.copy = action.other;
        return from;
    };
    std::map<Item, int> reads;  // by register
    for (const attention::TimedAction& timed : program)
        if (is_gradient(*timed.action) && timed.action->kind != Action::Kind::receive) ++reads[source(*timed.action)];
    std::set<Item> left;  // chunks whose gradient has been sent
    std::map<Item, const Action*> arrived;
    for (const attention::TimedAction& timed : program) {
        const Action& action = *timed.action;
        if (!is_gradient(action)) continue;
        if (action.kind == Action::Kind::receive) {
            arrived[action.item] = &action;
        } else if (action.kind == Action::Kind::send) {
            left.insert(chunk_of(action));
        } else {
            if (action.item.copy == 0) registers_.expect_merge(action.item, action.keys);
            if (launched()) continue;  // a merge is a launch
            const auto receive = arrived.find(source(action));
            const bool only_read = reads[source(action)] == 1;
            if (receive == arrived.end() || !only_read || action.item.copy != 0 || left.contains(chunk_of(action)))
                continue;
            merged_on_arrival_.insert(receive->second);
            merged_on_arrival_.insert(&action);
        }
    }
}

Plan BackwardRun::plan(const Action& attend) {
    Plan plan;
    const Item& chunk = attend.item;
    const Ranges tiles = tiles_of_cells(launch_.needs->keys(chunk.user, chunk.id), registers_.cells(chunk),
                                        attend.keys, launch_.tiling.tile_keys);
    std::vector<RowBlock>& blocks = rows_.blocks(chunk.user);
    for (std::size_t begin = 0, end = 0; begin < blocks.size(); begin = end) {
        const Range heads = blocks[begin].heads;
        while (end < blocks.size() && blocks[end].heads == heads) ++end;
        for (const Range& keys : tiles) {
            const std::size_t before = plan.steps.size();
            for (std::size_t b = begin; b < end; ++b) {
                const Visible visible =
                    attention::visible(*launch_.problem->mask, {chunk.user, blocks[b].query_heads},
                                       blocks[b].positions, launch_.needs->keys(chunk.user, chunk.id).run(keys));
                if (visible == Visible::none) continue;
                ++blocks[b].steps_left;
                plan.steps.push_back({&blocks[b], keys, visible, plan.steps.size() == before, false});
            }
            if (registers_.is_own(chunk)) registers_.expect_own(chunk, 1);
            if (plan.steps.size() == before) {
                plan.unseen.emplace_back(heads, keys);
            } else {
                plan.steps.back().last = true;
            }
        }
    }
    return plan;
}

void BackwardRun::row(const Issue& issue) {
    const Action& action = *issue.action;
    switch (action.kind) {
        case Action::Kind::attend:
            return attend(issue);
        case Action::Kind::fence:
            gradients_.flush();
            return chunks_.wait_for_all();
        case Action::Kind::send:
        case Action::Kind::receive:
        case Action::Kind::merge:
            return move(issue);
    }
}

void BackwardRun::move(const Issue& issue) {
    const Action& action = *issue.action;
    const tl::PhaseScope phase(tl_, Where::row(action));
    const bool sends = action.kind == Action::Kind::send;
    const auto number = static_cast<std::size_t>(issue.piece);
    if (is_sinks(action)) return move_sinks(action, number);
    if (!is_gradient(action)) {
        const Range keys = messages_.at(&action)[number];
        sends ? chunks_.send(action.item, keys, receivers_of_row(*launch_.schedule, action))
              : chunks_.receive(action.item, keys, action.peer);
        return;
    }
    const bool on_arrival = merged_on_arrival_.contains(&action);
    if (action.kind == Action::Kind::merge) {
        if (!on_arrival) registers_.merge(action.item, action.other, action.keys);
        return;
    }
    const GradientPiece& piece = pieces_.at(&action)[number];
    if (sends) {
        if (at_work_.contains(chunk_of(action))) gradients_.flush();
        Item reg = action.item;
        reg.copy = action.other;
        registers_.send(action.peer, reg, piece);
    } else if (on_arrival) {
        registers_.receive_and_merge(action.peer, action.item, piece);
    } else {
        registers_.receive(action.peer, action.item, piece);
    }
}

void BackwardRun::move_sinks(const Action& action, std::size_t number) {
    std::vector<Tile>& sums = rows_.sinks(action.item.user);
    if (action.kind == Action::Kind::merge) {
        Item from = action.item;
        from.copy = action.other;
        const std::vector<Tile> share = std::move(sink_shares_.at(from));
        sink_shares_.erase(from);
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = sums[i] + share[i];
        return;
    }
    const int pe = launch_.peers[static_cast<std::size_t>(action.peer)];
    if (action.kind == Action::Kind::send) return tl_.send(pe, sums[number]);
    std::vector<Tile>& share = sink_shares_[action.item];
    share.push_back(tl_.recv(pe, sums[number].shape(), Dtype::f32));
}

void BackwardRun::moves_until(double time) {
    for (std::size_t i = next_ + 1; i < order_.size() && order_[i].time <= time; ++i) {
        const Action::Kind kind = order_[i].action->kind;
        if (kind == Action::Kind::attend || kind == Action::Kind::fence) return;
        if (issued_[i]) continue;
        issued_[i] = true;
        move(order_[i]);
    }
}

void BackwardRun::attend(const Issue& issue) {
    const Item& chunk = issue.action->item;
    const Plan& plan = plans_.at(issue.action);
    // The pipeline of stages puts this chunk's first scores before the last products of the chunk before. That
    // pays only if the chunk is here by then.
    if (issue.data > last_step_) gradients_.flush();
    const auto steps = static_cast<double>(std::max<std::size_t>(1, plan.steps.size()));
    const double per_step = (issue.end - issue.time) / steps;
    last_step_ = issue.end - per_step;
    for (const auto& [heads, keys] : plan.unseen) registers_.add_nothing(chunk, heads, keys);
    KeyTile tile, ahead;
    Tile bias, bias_ahead;
    const Where row = Where::step(*issue.action);
    const auto fetch = [&](const Step& step) {
        const tl::PhaseScope phase(tl_, row.tile(chunk, step.rows->heads, step.keys));
        rows_.enter(*step.rows);
        if (!step.first) return;
        ahead = chunks_.tile(chunk, step.rows->heads, step.keys);
        bias_ahead = terms_.key_bias(chunk.user, chunk.id, step.keys);
    };
    std::shared_ptr<KeySums> sums;
    if (!plan.steps.empty()) fetch(plan.steps.front());
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const Step& step = plan.steps[i];
        if (step.first) {
            tile = std::move(ahead);
            bias = std::move(bias_ahead);
            ahead = KeyTile();
            bias_ahead = Tile();
            sums = std::make_shared<KeySums>();
        }
        if (i + 1 < plan.steps.size()) fetch(plan.steps[i + 1]);
        moves_until(issue.time + per_step * static_cast<double>(i));
        add(chunk, row.tile(chunk, step.rows->heads, step.keys), step, tile, bias, sums);
    }
}

void BackwardRun::add(const Item& chunk, const Where& where, const Step& step, const KeyTile& tile, const Tile& bias,
                      const std::shared_ptr<KeySums>& sums) {
    RowBlock& rows = *step.rows;
    GradientBlock block;
    const tl::PhaseScope phase(tl_, where);
    block.where = where;
    block.q = rows.q;
    block.d_o = rows.d_o;
    block.terms = rows.terms;
    block.k = tile.k;
    block.v = tile.v;
    block.terms_of_scores =
        terms_.terms({chunk.user, launch_.rank, rows.heads, rows.tokens, rows.positions}, chunk.id, step.keys);
    block.terms_of_scores.key_bias = bias;
    if (step.visible == Visible::some && launch_.problem->mask->compare_operations() > 0)
        block.mask = element_mask(tl_, *launch_.problem, chunk.user, rows.query_heads, rows.positions,
                                  launch_.needs->keys(chunk.user, chunk.id).run(step.keys));
    block.dq = &rows.dq;
    block.keys = sums.get();
    ++at_work_[chunk];
    block.done = [this, chunk, sums, &rows, keys = step.keys, last = step.last] {
        rows_.leave(rows);
        if (last) registers_.add(chunk, rows.heads, keys, *sums);
        if (--at_work_[chunk] == 0) at_work_.erase(chunk);
    };
    gradients_.add(std::move(block));
}

void backward_kernel(tl::Context& tl, const Launch& launch) {
    if (launch.heads.empty()) return;
    BackwardRun(tl, launch).all();
}

}  // namespace tilemesh::kernels
