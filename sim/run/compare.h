// SPDX-License-Identifier: Apache-2.0
// What moved between two result files: times, verdicts, bytes and utilisation, entry by entry. Entries are matched by
// panel name and kernel label.
#pragma once

#include "sim/report/result.h"

#include <string>
#include <vector>

namespace tilemesh::run {

struct Difference {
    std::string panel;
    std::string label;
    std::string what;  // "cycles", "verdict", "hbm_bytes", ...; "entry" when one side lacks it
    std::string before;
    std::string after;
    double change = 0.0;         // relative; 0 for what is not a number
    bool past_tolerance = true;  // counts as a failure
};

struct Comparison {
    std::vector<Difference> differences;
    std::size_t entries = 0;  // compared, on both sides
    bool fails() const;
};

/// Numbers may move by `tolerance` (relative); verdicts and states may not. An entry that only the new file has is
/// shown and does not fail; one that the new file lacks does.
Comparison compare(const report::RunResult& before, const report::RunResult& after, double tolerance);

/// A table of the differences and a closing sentence.
std::string comparison_text(const Comparison& comparison, double tolerance, bool with_colour);

}  // namespace tilemesh::run
