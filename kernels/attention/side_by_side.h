// SPDX-License-Identifier: Apache-2.0
// In which order one PE issues its share of a table that moves nothing but partial results, when blocks are so short
// that merges are a chain of latencies: step by step, all users (and heads) side by side.
#pragma once

#include "kernels/attention/issue_order.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

/// A user's heads of one part: what they end with.
using Unit = std::pair<int, int>;

/// Of a unit, the same on all ranks, in the time of the forecast.
struct Course {
    double ready = 0;                                       // its partial results are there
    double message = 0, merge = 0;                          // how long the longest take
    int first = std::numeric_limits<int>::max(), last = 0;  // steps of its messages and merges
    int steps() const { return std::max(0, last - first + 1); }
};

struct Courses {
    std::map<Unit, Course> units;
    double worked = 0;  // all work is done

    /// How long the steps of a unit may take if they are to be over with the work of others; 0: they are not.
    double room(const Unit& unit) const;
};

/// The order for the PEs of a table: what is the same for all is worked out once.
class SideBySide {
public:
    /// `timeline`: of all ranks; both outlive it. `fold_keys`: of the matrix array.
    SideBySide(const attention::Schedule& table, const std::vector<std::vector<attention::TimedAction>>& timeline,
               std::int64_t fold_keys);

    /// `order`, of issue_order(), in such an order. Users with less work are worked on first; the steps of those that
    /// are through long before the last are spread over the work of the others, those of all others follow all work.
    /// A row that moves or merges comes in two parts. Maxima go first, by some steps: they are there before the
    /// values' products are, and what both sides are multiplied by is made of them alone. All PEs issue these
    /// messages in one order, too: by step, part, sender and receiver.
    std::vector<Issue> order(int rank, const std::vector<Issue>& order) const;

private:
    const attention::Schedule& schedule_;
    const std::vector<std::vector<attention::TimedAction>>& timeline_;
    std::vector<int> places_;  // of users, in the order of their work
    Courses courses_;
    std::set<std::pair<int, int>> sends_;  // rank, step
    bool ahead_;                           // maxima go ahead of the rest
    int lead_;                             // by so many steps
    bool turns_;                           // a rank sends step after step
};

}  // namespace tilemesh::kernels
