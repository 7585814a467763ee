// SPDX-License-Identifier: Apache-2.0
// The rows of a table as operations, and which of them must wait for which; a send and its receive are one operation
// (timeline.h).
#pragma once

#include "sim/attention/timeline.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilemesh::attention {

using OperationId = std::uint32_t;

/// Lists of operations, all in one array: a list is the number of its last link.
class Lists {
public:
    static constexpr std::uint32_t empty = ~std::uint32_t{0};
    void add(std::uint32_t& list, OperationId id) {
        links_.push_back({id, list});
        list = static_cast<std::uint32_t>(links_.size()) - 1;
    }
    template <class Visit>
    void visit(std::uint32_t list, const Visit& visit) const {
        for (; list != empty; list = links_[list].next) visit(links_[list].id);
    }

private:
    struct Link {
        OperationId id;
        std::uint32_t next;
    };
    std::vector<Link> links_;
};

struct Operation {
    double occupied = 0;  // of the edge or the rank's compute
    double latency = 0;   // from there until it has arrived, or is in its register
    double ready = 0, start = 0, released = 0, end = 0;
    std::int32_t rank = 0;  // that computes it, or sends
    std::uint32_t row = 0;
    std::int32_t waits_for = 0;
    std::uint32_t on_release = Lists::empty;  // may go on when the edge is free again
    std::uint32_t on_end = Lists::empty;      // may go on when this has arrived or is computed
    bool transfer = false;
    bool joins = false;  // the visit under way
    bool started = false;
};

/// All operations of a table. The schedule and the durations must outlive it.
class TableOperations {
public:
    TableOperations(const Schedule& schedule, const Durations& durations);

    std::size_t size() const { return operations_.size(); }
    Operation& operator[](std::size_t id) { return operations_[id]; }
    const Operation& operator[](std::size_t id) const { return operations_[id]; }
    /// Of a row; rows of one transfer have the same.
    OperationId at(int rank, std::size_t row) const { return ids_[static_cast<std::size_t>(rank)][row]; }
    const Action& action_of(const Operation& operation) const {
        return schedule_.program(operation.rank)[operation.row];
    }
    const Lists& lists() const { return lists_; }

private:
    void reach(OperationId id, const Action& send);
    void make_operations();
    void match_receives();
    void find_dependencies(int rank);
    void after(OperationId first, OperationId then);
    void after_all(const std::vector<OperationId>& firsts, OperationId then);

    const Schedule& schedule_;
    const Durations& durations_;
    std::vector<Operation> operations_;
    Lists lists_;
    std::vector<std::vector<OperationId>> ids_;  // by rank and row
};

}  // namespace tilemesh::attention
