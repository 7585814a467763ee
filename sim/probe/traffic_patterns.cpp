// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/traffic_patterns.h"

#include "sim/base/error.h"
#include "sim/base/random.h"

#include <fmt/core.h>

namespace tilemesh::probe {
namespace {

constexpr std::uint64_t choices = 0x1000000, hot_choices = 0x2000000;  // streams of random numbers, plus the source

/// A pattern at work: what its rule may ask.
struct Setting {
    const TrafficPattern& pattern;
    const noc::Topology& topology;
    noc::GridConfig grid;
    int nodes;
};
using Rule = int (*)(const Setting&, int source, std::uint64_t index);

int uniform(const Setting& s, int source, std::uint64_t index) {
    const auto stream = choices + static_cast<std::uint64_t>(source);
    const int others = s.pattern.include_self ? s.nodes : s.nodes - 1;
    const auto chosen =
        static_cast<int>(random_below(s.pattern.seed, stream, index, static_cast<std::uint64_t>(others)));
    return s.pattern.include_self || chosen < source ? chosen : chosen + 1;
}

/// One step further in every dimension, from the last to the first.
int neighbour(const Setting& s, int source, std::uint64_t) {
    return s.topology.pe_at((s.topology.row_of(source) + 1) % s.grid.rows,
                            (s.topology.col_of(source) + 1) % s.grid.cols);
}

int transpose(const Setting& s, int source, std::uint64_t) {
    return s.topology.pe_at(s.topology.col_of(source), s.topology.row_of(source));
}

/// One node with a probability of `share`, else any.
int hotspot(const Setting& s, int source, std::uint64_t index) {
    if (source == s.pattern.hot) return uniform(s, source, index);
    const auto stream = hot_choices + static_cast<std::uint64_t>(source);
    const double dice = static_cast<double>(random_bits(s.pattern.seed, stream, index) >> 11) * 0x1p-53;
    return dice < s.pattern.share ? s.pattern.hot : uniform(s, source, index);
}

/// The node opposite the centre.
int bit_complement(const Setting& s, int source, std::uint64_t) {
    return s.topology.pe_at(s.grid.rows - 1 - s.topology.row_of(source), s.grid.cols - 1 - s.topology.col_of(source));
}

/// Every other node in turn.
int all_to_all(const Setting& s, int source, std::uint64_t index) {
    const auto nodes = static_cast<std::uint64_t>(s.nodes);
    return static_cast<int>((static_cast<std::uint64_t>(source) + 1 + index % (nodes - 1)) % nodes);
}

const std::vector<std::pair<std::string, Rule>> rules = {
    {"uniform", uniform}, {"neighbour", neighbour},           {"transpose", transpose},
    {"hotspot", hotspot}, {"bit_complement", bit_complement}, {"all_to_all", all_to_all}};

}  // namespace

std::vector<std::string> traffic_patterns() {
    std::vector<std::string> names;
    for (const auto& [name, rule] : rules) names.push_back(name);
    return names;
}

std::string unsuitable(const TrafficPattern& pattern, const noc::Topology& topology) {
    const noc::GridConfig grid = topology.whole_grid();
    if (pattern.name == "transpose" && grid.rows != grid.cols) {
        return fmt::format("transpose needs as many rows as columns, the machine has {} x {}", grid.rows, grid.cols);
    }
    if (topology.pes() < 2 && !pattern.include_self) return "traffic needs at least two PEs";
    return "";
}

Destinations destinations_of(const TrafficPattern& pattern, const noc::Topology& topology) {
    const Setting setting{pattern, topology, topology.whole_grid(), topology.pes()};
    for (const auto& [name, rule] : rules) {
        if (name != pattern.name) continue;
        return [setting, rule = rule](int source, std::uint64_t index) { return rule(setting, source, index); };
    }
    fail<InternalError>("no rule for the traffic pattern {}", pattern.name);
}

}  // namespace tilemesh::probe
