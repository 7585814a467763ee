// SPDX-License-Identifier: Apache-2.0
// The life of a query block's state (m, l, o). It stays in SRAM when all of them fit; else it lives in HBM between
// chunks and comes in with its block. States of schedules that merge travel between ranks block by block.
#include "kernels/attention/run.h"

namespace tilemesh::kernels {

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

}  // namespace tilemesh::kernels
