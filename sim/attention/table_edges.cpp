// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/table_edges.h"

#include <algorithm>
#include <numeric>

namespace tilemesh::attention {

namespace {

/// Calls visit(rank, row, sends, from, to) for every row that moves something.
template <class Visit>
void for_each_move(const Schedule& schedule, const Visit& visit) {
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        std::uint32_t row = 0;
        for (const Action& action : schedule.program(rank)) {
            const bool sends = action.kind == Action::Kind::send;
            if (action.moves()) visit(rank, row, sends, sends ? rank : action.peer, sends ? action.peer : rank);
            ++row;
        }
    }
}

}  // namespace

TableEdges::TableEdges(const Schedule& schedule) {
    std::vector<std::vector<int>> receivers(static_cast<std::size_t>(schedule.ranks()));  // by sender
    for_each_move(schedule, [&](int, Row, bool, int from, int to) {
        std::vector<int>& all = receivers[static_cast<std::size_t>(from)];
        if (all.empty() || all.back() != to) all.push_back(to);
    });
    std::vector<std::size_t> firsts;  // by sender: its first edge
    for (std::size_t from = 0; from < receivers.size(); ++from) {
        std::vector<int>& all = receivers[from];
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        firsts.push_back(edges_.size());
        for (const int to : all) edges_.push_back({static_cast<int>(from), to});
        of_rows_.emplace_back(schedule.program(static_cast<int>(from)).size());
    }

    send_begins_.assign(edges_.size() + 1, 0);
    receive_begins_.assign(edges_.size() + 1, 0);
    for_each_move(schedule, [&](int rank, Row row, bool sends, int from, int to) {
        const std::vector<int>& all = receivers[static_cast<std::size_t>(from)];
        const auto place = std::lower_bound(all.begin(), all.end(), to) - all.begin();
        const std::size_t edge = firsts[static_cast<std::size_t>(from)] + static_cast<std::size_t>(place);
        of_rows_[static_cast<std::size_t>(rank)][row].edge = static_cast<std::uint32_t>(edge);
        ++(sends ? send_begins_ : receive_begins_)[edge + 1];
    });
    std::partial_sum(send_begins_.begin(), send_begins_.end(), send_begins_.begin());
    std::partial_sum(receive_begins_.begin(), receive_begins_.end(), receive_begins_.begin());
    sends_.resize(send_begins_.back());
    receives_.resize(receive_begins_.back());
    std::vector<std::size_t> send_places(send_begins_), receive_places(receive_begins_);
    for_each_move(schedule, [&](int rank, Row row, bool sends, int, int) {
        const std::size_t edge = edge_of(rank, row);
        (sends ? sends_[send_places[edge]++] : receives_[receive_places[edge]++]) = row;
    });
    for (std::size_t edge = 0; edge < edges_.size(); ++edge) {
        const std::span<const Row> from = sends(edge), to = receives(edge);
        for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i) {
            of_rows_[static_cast<std::size_t>(edges_[edge].from)][from[i]].other_end = to[i];
            of_rows_[static_cast<std::size_t>(edges_[edge].to)][to[i]].other_end = from[i];
        }
    }
}

}  // namespace tilemesh::attention
