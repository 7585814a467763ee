// SPDX-License-Identifier: Apache-2.0
// Which rows of a table are the two ends of one transfer: of each edge, from one rank to another, sends and receives
// belong together in the order of both programs.
#pragma once

#include "sim/attention/schedule.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tilemesh::attention {

class TableEdges {
public:
    using Row = std::uint32_t;  // of a rank's program
    struct Edge {
        int from = 0, to = 0;
        bool operator==(const Edge&) const = default;
    };

    /// Rows that move something name ranks that exist; the schedule must outlive this.
    explicit TableEdges(const Schedule& schedule);

    /// By sender, then by receiver; those with a send or a receive.
    const std::vector<Edge>& edges() const { return edges_; }
    std::span<const Row> sends(std::size_t edge) const { return part(sends_, send_begins_, edge); }
    std::span<const Row> receives(std::size_t edge) const { return part(receives_, receive_begins_, edge); }

    /// Of a send or receive.
    std::size_t edge_of(int rank, std::size_t row) const {
        return of_rows_[static_cast<std::size_t>(rank)][row].edge;
    }
    /// Of a send or receive the row at the other end.
    Row other_end(int rank, std::size_t row) const { return of_rows_[static_cast<std::size_t>(rank)][row].other_end; }
    /// Instead of that row: there is none.
    static constexpr Row nowhere = ~Row{0};

private:
    struct OfRow {
        std::uint32_t edge = 0;
        Row other_end = nowhere;
    };
    static std::span<const Row> part(const std::vector<Row>& rows, const std::vector<std::size_t>& begins,
                                     std::size_t edge) {
        return std::span(rows).subspan(begins[edge], begins[edge + 1] - begins[edge]);
    }

    std::vector<Edge> edges_;
    std::vector<Row> sends_, receives_;                      // by edge
    std::vector<std::size_t> send_begins_, receive_begins_;  // by edge, and behind the last
    std::vector<std::vector<OfRow>> of_rows_;                // by rank and row
};

}  // namespace tilemesh::attention
