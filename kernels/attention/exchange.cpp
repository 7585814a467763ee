// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/exchange.h"

#include <algorithm>
#include <tuple>

namespace tilemesh::kernels {

using attention::Action;

void Exchange::add(const Action& action, std::size_t pieces, Bytes bytes) {
    if (action.kind == Action::Kind::send && receivers_of_row(schedule_, action).empty()) return;
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
        const auto [from, to] = ends_of_row(schedule_, *issue.action, rank_);
        return std::tuple(issue.piece, from, to);
    };
    std::vector<Issue> order = issues_;
    std::stable_sort(order.begin(), order.end(), [&](const Issue& a, const Issue& b) { return place(a) < place(b); });
    return order;
}

}  // namespace tilemesh::kernels
