// SPDX-License-Identifier: Apache-2.0
// Positions with ids, kept as runs of equal ids, and how many pairs of equal ids two ranges have. Quick when runs are
// long; right however ids are scattered.
#pragma once

#include "sim/attention/mask.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tilemesh::attention {

class SegmentRuns {
public:
    struct Piece {
        std::int64_t length = 0;
        std::int64_t id = 0;
    };
    /// Pieces one after the other from position 0 on, none empty; neighbours with the same id are one run.
    explicit SegmentRuns(std::span<const Piece> pieces);

    std::int64_t size() const { return begins_.back(); }
    bool holds(std::int64_t position) const { return position >= 0 && position < size(); }
    /// A number that stands for the id, counted from 0 on.
    std::size_t id_at(std::int64_t position) const { return ids_[run_at(position)]; }
    /// Sets marks[i] to 1 where position range.begin + i has this id.
    void mark(std::size_t id, Range range, std::span<float> marks) const;
    /// Positions past the end have no id and equal nobody's.
    Visible block(Range queries, Range keys) const;
    std::uint64_t equal_pairs(Range queries, Range keys) const;

private:
    std::size_t run_at(std::int64_t position) const;
    Range cut(Range range) const;
    Range extent(std::size_t run) const { return {begins_[run], begins_[run + 1]}; }
    /// Positions with this id in the range.
    std::int64_t count(std::size_t id, Range range) const;
    std::int64_t count_before(std::size_t id, std::int64_t end) const;

    std::vector<std::int64_t> begins_;      // by run, and the end of the last
    std::vector<std::size_t> ids_;          // by run
    std::vector<std::size_t> first_of_id_;  // by id, and the end: its runs in the next two
    std::vector<std::size_t> runs_of_id_;   // by id, then from left to right
    std::vector<std::int64_t> before_;      // positions with the same id in runs to the left
};

}  // namespace tilemesh::attention
