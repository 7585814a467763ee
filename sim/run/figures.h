// SPDX-License-Identifier: Apache-2.0
// What of a result is compared: numbers by the name of their metric, words that say what binds and where, and the
// configuration. A result file and a golden one give the same figures, so that either can stand on either side.
#pragma once

#include "sim/report/result.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::run {

/// One entry. A number that is not known (a distance without a bound, an error without values) is absent.
struct Figures {
    std::string label;
    std::string kernel;
    std::string state;                             // "pass", "fail", "values not computed", "crashed", ...
    bool ran = false;                              // to its end: has numbers
    std::map<std::string, std::uint64_t> options;  // used: tile_queries, ...
    std::map<std::string, double> numbers;         // "time", "hbm_bytes", "busy.vector", ...
    std::map<std::string, std::string> words;      // "machine_bound" -> "matrix", "link" -> the busiest one
};

struct PanelFigures {
    std::string name;
    Json configuration;  // as in the result, description and name apart
    std::vector<Figures> entries;
};

struct Snapshot {
    std::string name;  // of the milestone or the panel
    std::vector<PanelFigures> panels;
};

Snapshot snapshot_of(const report::RunResult& run);

enum class Better : std::uint8_t { less, more, neither };

/// A number that is compared, or several of one sort: those of `parts` are "busy.vector", "busy.matrix" and so on.
struct Metric {
    const char* name;
    Better better;
    bool judged;          // fails when it is worse; the others are shown, and judged when given a threshold
    const char* follows;  // whose threshold it has unless it is given its own; empty: none
    const char* meaning;  // one line
    std::optional<double> (*of)(const report::KernelResult&);             // of one number, else null
    std::map<std::string, double> (*parts)(const report::KernelResult&);  // of several, else null
    std::string (*text)(double);
    const char* unit = "";  // of its numbers; none: a share, a ratio or a count
};

/// All there are: the one list that results, golden files, thresholds and documentation go by.
std::span<const Metric> metrics();
std::vector<std::string> metric_names();
/// Of a number's name: "busy.vector" is one of metric "busy". Null when there is none.
const Metric* find_metric(std::string_view number);

}  // namespace tilemesh::run
