// SPDX-License-Identifier: Apache-2.0
// Ranks on lines and grids as the closed forms have them, the links between them, and sizes of shards from the
// definition of contiguous sharding.
#pragma once

#include "tests/schedules/example.h"

#include <numeric>

namespace example {

/// Ranks on a row of places: rank r stands at place positions[r].
inline RankGrid row_of_ranks(std::vector<int> positions) {
    RankGrid grid;
    grid.cols = static_cast<int>(positions.size());
    grid.cells = std::move(positions);
    return grid;
}
/// Rank r in row r / cols and column r % cols.
inline RankGrid full_grid(int rows, int cols) {
    RankGrid grid;
    grid.rows = rows;
    grid.cols = cols;
    grid.cells.resize(static_cast<std::size_t>(rows * cols));
    std::iota(grid.cells.begin(), grid.cells.end(), 0);
    return grid;
}

/// Directed link out of the place (row, col): 0 east, 1 west, 2 south, 3 north.
inline LinkId link_out(const RankGrid& grid, int row, int col, int direction) {
    return static_cast<LinkId>(4 * (row * grid.cols + col) + direction);
}
/// Dimension order on a mesh without wraps: along the row first, then along the column.
inline Route mesh_route(const RankGrid& grid) {
    return [grid](int from, int to) {
        std::vector<LinkId> links;
        int row = grid.row_of(from), col = grid.col_of(from);
        for (; col < grid.col_of(to); ++col) links.push_back(link_out(grid, row, col, 0));
        for (; col > grid.col_of(to); --col) links.push_back(link_out(grid, row, col, 1));
        for (; row < grid.row_of(to); ++row) links.push_back(link_out(grid, row, col, 2));
        for (; row > grid.row_of(to); --row) links.push_back(link_out(grid, row, col, 3));
        return links;
    };
}

inline std::uint64_t carried(const LinkTraffic& traffic, LinkId link) {
    const auto found = traffic.bytes.find(link);
    return found == traffic.bytes.end() ? 0 : found->second;
}

/// Tokens of ranks 0 .. rank - 1 when `tokens` are dealt to n ranks: the first tokens % n have one more.
inline std::uint64_t tokens_before(std::int64_t tokens, int n, int rank) {
    return number(tokens / n) * number(rank) + std::min(number(rank), number(tokens % n));
}

/// Traffic of the transfers of one kind of item.
inline LinkTraffic traffic_of(Item::Kind kind, const Problem& p, const NeedSets& needs, const Schedule& schedule,
                              const Route& route) {
    const TransferBytes all = whole_items(p, needs, schedule);
    return link_traffic(
        schedule, [&](const Action& transfer) { return transfer.item.kind == kind ? all(transfer) : 0; }, route);
}

/// Bytes of q of one token.
inline std::uint64_t query_bytes(const Problem& p) { return number(p.heads_q * p.head_dim) * 2; }

}  // namespace example
