// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/states.h"

#include <utility>

namespace tilemesh::kernels {

using attention::Item;

bool States::written(const Item& reg, std::size_t block) const {
    const auto blocks = registers_.find(reg);
    if (blocks == registers_.end()) return false;
    if (block >= blocks->second.size()) return false;
    const Place& at = blocks->second[block];
    return at.state || at.in_hbm;
}

States::Place& States::place(const Item& reg, std::size_t block) {
    std::deque<Place>& blocks = registers_[reg];
    if (block >= blocks.size()) blocks.resize(block + 1);
    return blocks[block];
}

Shape States::shape(const BlockRows& rows, std::int64_t cols) const {
    return {rows.heads.size(), rows.tokens.size() * launch_.problem->group(), cols};
}

State& States::take(const Item& reg, std::size_t block, const BlockRows& rows) {
    Place& at = place(reg, block);
    if (!at.state && at.in_hbm) {
        const attention::StateTensors& tensors = launch_.states.at(reg);
        const std::int64_t head = rows.heads.begin - rows.first_head,
                           row = rows.tokens.begin * launch_.problem->group();
        at.state.m = tl_.load(tl::at(*tensors.m, head, row), shape(rows, 1), Dtype::f32);
        at.state.l = tl_.load(tl::at(*tensors.l, head, row), shape(rows, 1), Dtype::f32);
        at.state.o = tl_.load(tl::at(*tensors.o, head, row), shape(rows, launch_.problem->value_dim), format_.o);
        at.in_hbm = false;
    }
    return at.state;
}

void States::put_back(const Item& reg, std::size_t block, const BlockRows& rows) {
    Place& at = place(reg, block);
    if (launch_.tiling.queries_stay || !at.state) return;
    const attention::StateTensors& tensors = launch_.states.at(reg);
    const std::int64_t head = rows.heads.begin - rows.first_head, row = rows.tokens.begin * launch_.problem->group();
    tl_.store(tl::at(*tensors.m, head, row), at.state.m);
    tl_.store(tl::at(*tensors.l, head, row), at.state.l);
    tl_.store(tl::at(*tensors.o, head, row), at.state.o);
    at.in_hbm = true;
    at.state = State();
}

void States::release(const Item& reg, std::size_t block) {
    Place& at = place(reg, block);
    at.state = State();
    at.in_hbm = true;
}

State States::neutral(const BlockRows& rows) {
    State state;
    state.m = tl_.full(shape(rows, 1), lowest_score);
    state.l = tl_.zeros(shape(rows, 1));
    state.o = tl_.zeros(shape(rows, launch_.problem->value_dim), format_.o);
    return state;
}

void States::drop(const Item& reg, std::size_t block) { place(reg, block) = Place(); }

void States::send(int pe, const Item& reg, std::size_t block, const BlockRows& rows, StatePart part) {
    State state = take(reg, block, rows);
    const bool first = part != StatePart::rest, second = part != StatePart::maximum;
    // This rank's share saw nothing for these rows; its maximum may be that of what is merged next already.
    if (first ? !state.m : !state.o) state = neutral(rows);
    if (format_.sent == attention::StateFormat::Sent::out_lse) {
        if (first) tl_.send(pe, log_sum_exp(tl_, state));
        if (second) tl_.send(pe, normalised_output(tl_, state));
    } else {
        if (first) tl_.send(pe, state.m);
        if (second) tl_.send(pe, state.l);
        if (second) tl_.send(pe, state.o);
    }
    put_back(reg, block, rows);
}

void States::receive(int pe, const Item& reg, std::size_t block, const BlockRows& rows, StatePart part) {
    State& state = place(reg, block).state;
    const Shape column = shape(rows, 1), output = shape(rows, launch_.problem->value_dim);
    const bool first = part != StatePart::rest, second = part != StatePart::maximum;
    if (format_.sent == attention::StateFormat::Sent::out_lse) {
        if (first) state = state_of(tl_, {Tile(), tl_.recv(pe, column, Dtype::f32)});
        if (second) state.o = tl_.recv(pe, output, format_.o);
    } else {
        if (first) state.m = tl_.recv(pe, column, Dtype::f32);
        if (second) state.l = tl_.recv(pe, column, Dtype::f32);
        if (second) state.o = tl_.recv(pe, output, format_.o);
    }
    put_back(reg, block, rows);
}

}  // namespace tilemesh::kernels
