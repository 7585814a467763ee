// SPDX-License-Identifier: Apache-2.0
// How wrong an answer is, by query head and by the rank that has the query: where an error is, for a page. Judging is
// done elsewhere (sim/attention/tolerance.h).
#pragma once

#include "sim/workloads/attention/layout.h"

#include <map>
#include <utility>

namespace tilemesh::workloads {

class ErrorsByPart {
public:
    ErrorsByPart(const attention::Problem& problem, const Arrangement& arrangement, const RowSample& sample)
        : problem_(problem), arrangement_(arrangement), sample_(sample) {}

    /// One user's output, as collect() and the reference have it.
    void add(int user, const std::vector<float>& o, const std::vector<double>& expected);

    /// [{"of": "head 3", "relative_l2", "max_error", "rows"}], heads first. Ranks are not told apart where all of
    /// them have the same queries.
    Json json() const;

private:
    struct Part {
        double squared_error = 0.0, squared_norm = 0.0, greatest = 0.0;
        std::uint64_t rows = 0;
    };
    int rank_of(int user, std::int64_t query) const;

    const attention::Problem& problem_;
    const Arrangement& arrangement_;
    const RowSample& sample_;
    std::map<std::pair<bool, std::int64_t>, Part> parts_;  // by whether it is a rank, and its number
};

}  // namespace tilemesh::workloads
