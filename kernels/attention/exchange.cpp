// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/exchange.h"

#include <algorithm>
#include <tuple>

namespace tilemesh::kernels {

using attention::Action;

void Exchange::add(const Action& action, std::size_t pieces, Bytes bytes) {
    ++messages_;
    bytes_[{action.kind == Action::Kind::send, action.peer}] += bytes;
    for (std::size_t piece = 0; piece < pieces; ++piece)
        issues_.push_back({.action = &action, .piece = static_cast<int>(piece)});
}

LaunchedWork Exchange::work() const {
    LaunchedWork work{LaunchedWork::Kind::exchange};
    work.messages = messages_;
    for (const auto& [way, sum] : bytes_) work.bytes = std::max(work.bytes, sum);
    return work;
}

std::vector<Issue> Exchange::in_order() const {
    const auto place = [&](const Issue& issue) {
        const bool sends = issue.action->kind == Action::Kind::send;
        return std::tuple(issue.piece, sends ? rank_ : issue.action->peer, sends ? issue.action->peer : rank_);
    };
    std::vector<Issue> order = issues_;
    for (Issue& issue : order) issue.pieces = static_cast<int>(order.size());
    std::stable_sort(order.begin(), order.end(), [&](const Issue& a, const Issue& b) { return place(a) < place(b); });
    return order;
}

}  // namespace tilemesh::kernels
