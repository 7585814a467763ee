// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/topology.h"

#include "sim/base/error.h"

#include <cstdlib>

namespace tilemesh::noc {
namespace {

bool wraps(TopologyKind kind) { return kind == TopologyKind::ring || kind == TopologyKind::torus; }

struct Step {
    int next;
    bool crosses_wrap;
    bool along_row = true;
};

/// One step of dimension-order routing along one dimension of length n.
Step step_towards(int at, int to, int n, bool wrap) {
    const int forward = (to - at + n) % n, backward = n - forward;
    const bool up = wrap && n > 2 ? forward <= backward : to > at;
    const int next = up ? at + 1 : at - 1;
    return {(next + n) % n, next < 0 || next >= n};
}

/// The nodes of a grid that a path visits after `from`, with a flag where it crosses a wrap-around link.
std::vector<Step> grid_path(const GridConfig& grid, int from, int to) {
    std::vector<Step> path;
    if (from == to) return path;
    if (grid.kind == TopologyKind::all_to_all) return {{to, false, true}};
    int row = from / grid.cols, col = from % grid.cols;
    const int to_row = to / grid.cols, to_col = to % grid.cols;
    while (col != to_col) {
        const Step s = step_towards(col, to_col, grid.cols, wraps(grid.kind));
        col = s.next;
        path.push_back({row * grid.cols + col, s.crosses_wrap, true});
    }
    while (row != to_row) {
        const Step s = step_towards(row, to_row, grid.rows, wraps(grid.kind));
        row = s.next;
        path.push_back({row * grid.cols + col, s.crosses_wrap, false});
    }
    return path;
}

/// Calls join(a, b, along_row) once for every undirected pair of neighbours.
template <class Join>
void for_each_pair(const GridConfig& grid, Join join) {
    if (grid.kind == TopologyKind::all_to_all) {
        for (int a = 0; a < grid.nodes(); ++a) {
            for (int b = a + 1; b < grid.nodes(); ++b) join(a, b, true);
        }
        return;
    }
    for (int row = 0; row < grid.rows; ++row) {
        for (int col = 0; col < grid.cols; ++col) {
            const int a = row * grid.cols + col;
            if (col + 1 < grid.cols) join(a, a + 1, true);
            if (row + 1 < grid.rows) join(a, a + grid.cols, false);
            // A wrap between two nodes would double the link they have.
            if (wraps(grid.kind) && col == grid.cols - 1 && grid.cols > 2) join(a, row * grid.cols, true);
            if (wraps(grid.kind) && row == grid.rows - 1 && grid.rows > 2) join(a, col, false);
        }
    }
}

}  // namespace

Topology::Topology(const NetworkConfig& config)
    : pe_grid_(config.pes_in_cube),
      cube_grid_(config.cubes),
      cubes_(config.cubes.nodes()),
      pes_per_cube_(config.pes_in_cube.nodes()),
      outgoing_(static_cast<std::size_t>(cubes_ * pes_per_cube_)) {
    for (int cube = 0; cube < cubes_; ++cube) {
        const int base = cube * pes_per_cube_;
        for_each_pair(pe_grid_, [&](int a, int b, bool) {
            add_link(base + a, base + b, config.link, false);
            add_link(base + b, base + a, config.link, false);
        });
    }
    for_each_pair(cube_grid_, [&](int a, int b, bool along_row) { join_cubes(a, b, along_row, config); });
}

void Topology::join_cubes(int a, int b, bool along_row, const NetworkConfig& config) {
    const int edge = along_row ? pe_grid_.rows : pe_grid_.cols;
    LinkConfig link = config.die_to_die;
    link.rate = Rate::gbytes_per_s(link.rate.gbytes_per_s() * config.connections_per_side / edge);
    // East of a joins west of b; south of a joins north of b. A wrap pair has a as the last and b as the first.
    for (int i = 0; i < edge; ++i) {
        const int out = along_row ? i * pe_grid_.cols + pe_grid_.cols - 1 : (pe_grid_.rows - 1) * pe_grid_.cols + i;
        const int in = along_row ? i * pe_grid_.cols : i;
        add_link(a * pes_per_cube_ + out, b * pes_per_cube_ + in, link, true);
        add_link(b * pes_per_cube_ + in, a * pes_per_cube_ + out, link, true);
    }
}

std::string Topology::pe_name(int pe) const {
    return fmt::format("cube{}.pe{}", pe / pes_per_cube_, pe % pes_per_cube_);
}

void Topology::add_link(int from, int to, const LinkConfig& config, bool die_to_die) {
    const auto index = static_cast<int>(links_.size());
    const bool same_cube = from / pes_per_cube_ == to / pes_per_cube_;
    links_.push_back({from, to, config, die_to_die,
                      same_cube
                          ? fmt::format("{}_to_pe{}", pe_name(from), to % pes_per_cube_)
                          : fmt::format("{}_to_cube{}_pe{}", pe_name(from), to / pes_per_cube_, to % pes_per_cube_)});
    outgoing_[static_cast<std::size_t>(from)].emplace_back(to, index);
}

int Topology::link_between(int from, int to) const {
    for (const auto& [node, link] : outgoing_[static_cast<std::size_t>(from)]) {
        if (node == to) return link;
    }
    fail<InternalError>("no link from {} to {}", pe_name(from), pe_name(to));
}

void Topology::append(int from, int to, Route& out, const Dateline& dateline) const {
    out.push_back(
        {static_cast<std::uint16_t>(link_between(from, to)), static_cast<std::uint8_t>(dateline.crossed ? 1 : 0)});
}

void Topology::route_in_cube(int from, int to, Route& out, Dateline& dateline) const {
    const int base = from / pes_per_cube_ * pes_per_cube_;
    int at = from - base;
    for (const Step& s : grid_path(pe_grid_, at, to - base)) {
        // The channel changes on the wrap link itself: the buffer behind it is the first of the new class. A link of
        // an all-to-all cube within one row or column belongs to that dimension, as on a mesh, or cubes in a torus
        // could wait for each other through it.
        const bool along_row = at / pe_grid_.cols == s.next / pe_grid_.cols;
        dateline.move(along_row, s.crosses_wrap);
        append(base + at, base + s.next, out, dateline);
        at = s.next;
    }
}

Route Topology::route(int from, int to) const {
    Route out;
    Dateline dateline;
    int cube = from / pes_per_cube_;
    int at = from;
    const int destination = to % pes_per_cube_;
    for (const Step& s : grid_path(cube_grid_, cube, to / pes_per_cube_)) {
        const bool along_row = s.along_row;
        // Wrap-around crossings go backwards in number: from the last column out to the east, into the first.
        const bool forward = (s.next > cube) != s.crosses_wrap;
        const int row = at % pes_per_cube_ / pe_grid_.cols;
        const int col = destination % pe_grid_.cols;
        int exit = 0, entry = 0;
        if (along_row) {
            exit = row * pe_grid_.cols + (forward ? pe_grid_.cols - 1 : 0);
            entry = row * pe_grid_.cols + (forward ? 0 : pe_grid_.cols - 1);
        } else {
            exit = (forward ? pe_grid_.rows - 1 : 0) * pe_grid_.cols + col;
            entry = (forward ? 0 : pe_grid_.rows - 1) * pe_grid_.cols + col;
        }
        route_in_cube(at, cube * pes_per_cube_ + exit, out, dateline);
        dateline.move(along_row, s.crosses_wrap);
        const int next = s.next * pes_per_cube_ + entry;
        append(cube * pes_per_cube_ + exit, next, out, dateline);
        at = next;
        cube = s.next;
    }
    route_in_cube(at, to, out, dateline);
    return out;
}

int Topology::neighbour(int pe, int direction) const {
    const int cube = pe / pes_per_cube_, local = pe % pes_per_cube_;
    const bool along_row = direction < 2;
    const int sign = direction == 0 || direction == 3 ? 1 : -1;  // east and south count up
    int row = cube / cube_grid_.cols * pe_grid_.rows + local / pe_grid_.cols;
    int col = cube % cube_grid_.cols * pe_grid_.cols + local % pe_grid_.cols;
    const int rows = pe_grid_.rows * cube_grid_.rows, cols = pe_grid_.cols * cube_grid_.cols;
    (along_row ? col : row) += sign;
    const bool single_cube = cubes_ == 1;
    const bool wrap = wraps(single_cube ? pe_grid_.kind : cube_grid_.kind);
    if (wrap) {
        row = (row + rows) % rows;
        col = (col + cols) % cols;
    }
    if (row < 0 || row >= rows || col < 0 || col >= cols) return -1;
    const int c = row / pe_grid_.rows * cube_grid_.cols + col / pe_grid_.cols;
    const int other = c * pes_per_cube_ + row % pe_grid_.rows * pe_grid_.cols + col % pe_grid_.cols;
    if (other == pe) return -1;
    for (const auto& [node, link] : outgoing_[static_cast<std::size_t>(pe)]) {
        if (node == other) return other;
    }
    return -1;
}

}  // namespace tilemesh::noc
