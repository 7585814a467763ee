// SPDX-License-Identifier: Apache-2.0
// What a sweep has come to: counts, what did not run and why, and a table with a line for each point.
#pragma once

#include "sim/search/sweep.h"

#include <string>
#include <vector>

namespace tilemesh::search {

struct Counts {
    std::size_t points = 0, ok = 0, wrong = 0, not_possible = 0, failed = 0, missing = 0;
};
Counts count(const std::vector<Row>& rows);

/// Empty: some point can run, or has not been tried. Else what the command says before it gives up, the reason once
/// where all share it.
std::string why_none_runs(const std::vector<Row>& rows);

/// One line for each point: values by axis, kernel, what became of it, and figures of the result.
std::string table_csv(const Space& space, const std::vector<Row>& rows);
Json table_json(const Space& space, const std::vector<Row>& rows);

/// What the page of a sweep is made from: the table, the base panel, and what each figure is.
Json page_json(const Space& space, const std::vector<Row>& rows);

/// For a terminal: counts, the fastest points, then each point without a result with the reason and the command that
/// repeats it, at most `most` of either; of points that all cannot run for one reason nothing but their number.
std::string summary_text(const Space& space, const std::vector<Row>& rows, std::size_t most, bool with_colour);

}  // namespace tilemesh::search
