// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/traffic_patterns.h"

#include "sim/base/random.h"

#include <fmt/core.h>

namespace tilemesh::probe {
namespace {

constexpr std::uint64_t choices = 0x1000000, hot_choices = 0x2000000;  // streams of random numbers, plus the source

int any_node(const TrafficPattern& pattern, int nodes, int source, std::uint64_t index) {
    const auto stream = choices + static_cast<std::uint64_t>(source);
    const int others = pattern.include_self ? nodes : nodes - 1;
    const auto chosen =
        static_cast<int>(random_below(pattern.seed, stream, index, static_cast<std::uint64_t>(others)));
    return pattern.include_self || chosen < source ? chosen : chosen + 1;
}

}  // namespace

const std::vector<std::string>& traffic_patterns() {
    static const std::vector<std::string> names = {"uniform", "neighbour",      "transpose",
                                                   "hotspot", "bit_complement", "all_to_all"};
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

int destination_of(const TrafficPattern& pattern, const noc::Topology& topology, int source, std::uint64_t index) {
    const noc::GridConfig grid = topology.whole_grid();
    const int nodes = topology.pes(), row = topology.row_of(source), col = topology.col_of(source);
    if (pattern.name == "neighbour") return topology.pe_at((row + 1) % grid.rows, (col + 1) % grid.cols);
    if (pattern.name == "transpose") return topology.pe_at(col, row);
    if (pattern.name == "bit_complement") return topology.pe_at(grid.rows - 1 - row, grid.cols - 1 - col);
    if (pattern.name == "all_to_all") {
        return static_cast<int>(
            (static_cast<std::uint64_t>(source) + 1 + index % (static_cast<std::uint64_t>(nodes) - 1)) %
            static_cast<std::uint64_t>(nodes));
    }
    if (pattern.name == "hotspot" && source != pattern.hot) {
        const auto stream = hot_choices + static_cast<std::uint64_t>(source);
        const double dice = static_cast<double>(random_bits(pattern.seed, stream, index) >> 11) * 0x1p-53;
        if (dice < pattern.share) return pattern.hot;
    }
    return any_node(pattern, nodes, source, index);
}

}  // namespace tilemesh::probe
