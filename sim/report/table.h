// SPDX-License-Identifier: Apache-2.0
// A panel's results for the terminal: one line per kernel and one sentence that says which kernel won, by what, and
// what bounds it. A cycle count never stands without its numerical verdict and its distance from the bounds.
#pragma once

#include "sim/report/result.h"

#include <string>

namespace tilemesh::report {

/// Title, table, scaled figures when the panel stands for several layers, remarks, sentence.
std::string panel_text(const PanelResult& panel, bool with_colour);

/// The milestone in one table: a line per panel with its fastest kernel, and a closing count of answers.
std::string run_text(const RunResult& run, bool with_colour);

/// Every entry of the milestone in one table, a line per kernel of each panel; run_text() follows it.
std::string entries_text(const RunResult& run, bool with_colour);

/// A number of bytes in words: "28.0 MiB".
std::string in_words(Bytes bytes);

/// The fastest kernel of a panel whose answer is not known to be wrong; null when there is none.
const KernelResult* fastest(const PanelResult& panel);

/// "mesh_kv is fastest: 1.31x faster than ring_kv; ..."
std::string conclusion(const PanelResult& panel);

/// "+4.2%", and "12.3x" where percents stop saying anything.
std::string above(double distance);

/// A number of cycles with commas between thousands.
std::string grouped(double value);

/// A time with three to four digits and its unit: "86.4 ms".
std::string in_words(Picoseconds time);

}  // namespace tilemesh::report
