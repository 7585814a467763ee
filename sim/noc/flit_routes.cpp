// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/flit_routes.h"

#include <fmt/core.h>

#include <array>

namespace tilemesh::noc {
namespace {

bool is_ring(const GridConfig& grid) { return grid.kind == TopologyKind::ring || grid.kind == TopologyKind::torus; }

/// Up (east, south) or down, for a way that may be either: the shorter one; up where both are.
bool goes_up(Way way, int at, int to, int length, bool ring) {
    if (way == Way::east || way == Way::south) return true;
    if (way == Way::west || way == Way::north) return false;
    return ring ? 2 * ((to - at + length) % length) <= length : to > at;
}

}  // namespace

int FlitRoutes::output(int node, int to) const {
    for (const Way way : routing_) {
        const bool row = along_row(way);
        const int length = row ? grid_.cols : grid_.rows;
        const int at = row ? node % grid_.cols : node / grid_.cols, goal = row ? to % grid_.cols : to / grid_.cols;
        if (at == goal) continue;
        const bool up = goes_up(way, at, goal, length, is_ring(grid_));
        if (row) return up ? east : west;
        return up ? south : north;
    }
    return local;
}

int FlitRoutes::next(int node, int output) const {
    int row = node / grid_.cols, col = node % grid_.cols;
    if (output == east) col = (col + 1) % grid_.cols;
    if (output == west) col = (col + grid_.cols - 1) % grid_.cols;
    if (output == south) row = (row + 1) % grid_.rows;
    if (output == north) row = (row + grid_.rows - 1) % grid_.rows;
    return row * grid_.cols + col;
}

bool FlitRoutes::wraps(int node, int output) const {
    const int row = node / grid_.cols, col = node % grid_.cols;
    if (output == east) return col == grid_.cols - 1;
    if (output == west) return col == 0;
    if (output == south) return row == grid_.rows - 1;
    return output == north && row == 0;
}

int FlitRoutes::side(int node, int input, int side, int output) const {
    if (input == local) side = 0;
    const bool turns = output != local && input != local && (input < south) != (output < south);
    if (turns) side = 0;
    return wraps(node, output) ? 1 : side;
}

int FlitRoutes::hops(int from, int to) const {
    int hops = 0;
    for (int out = output(from, to); out != local; out = output(from, to)) {
        from = next(from, out);
        ++hops;
    }
    return hops;
}

std::string FlitRoutes::port_name(int node) const {
    return fmt::format("row {}, column {} from its core", node / grid_.cols, node % grid_.cols);
}

std::string FlitRoutes::link_name(int node, int output) const {
    constexpr std::array<const char*, outputs> words = {"east", "west", "south", "north", "to its core"};
    return fmt::format("row {}, column {} {}", node / grid_.cols, node % grid_.cols,
                       words[static_cast<std::size_t>(output)]);
}

}  // namespace tilemesh::noc
