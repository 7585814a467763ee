// SPDX-License-Identifier: Apache-2.0
// A comparison for people: in a terminal, and under a pull request.
#pragma once

#include "sim/run/compare.h"

#include <string>

namespace tilemesh::run {

/// A table of what moved, a line for each of the worst entries on what moved with it, and a closing sentence.
std::string comparison_text(const Comparison& comparison, bool with_colour);

/// The closing sentence, a table with a line per entry, worst first, as Markdown.
std::string comparison_markdown(const Comparison& comparison);

/// "2 of 17 entries fail: ..."; one line.
std::string comparison_sentence(const Comparison& comparison);

/// What else is known of an entry that moved: changed keys, what binds, counts, the engines that work most longer or
/// less long.
std::string why(const EntryComparison& entry);

/// "+2.000%", "from 0", nothing for what is no number.
std::string change_text(const Difference& difference);

}  // namespace tilemesh::run
