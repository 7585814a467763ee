// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/topology.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cstdlib>

namespace tilemesh::noc {
namespace {

bool wraps(TopologyKind kind) { return kind == TopologyKind::ring || kind == TopologyKind::torus; }

struct GridStep {
    int next;
    bool crosses_wrap;
    bool along_row = true;
};

/// Does the path along one dimension of length n count upwards? Where both ways are equally long, every second node
/// goes either way, so that both directions carry the same.
bool goes_up(int at, int to, int n, bool wrap, int parity) {
    if (!wrap || n <= 2) return to > at;
    const int forward = (to - at + n) % n;
    return 2 * forward == n ? parity % 2 == 0 : 2 * forward < n;
}

/// Steps along one dimension from `at` to `to`; visit(next position, crosses a wrap-around link).
template <class Visit>
void walk(int at, int to, int n, bool wrap, int parity, Visit visit) {
    const bool up = at != to && goes_up(at, to, n, wrap, parity);
    while (at != to) {
        const int next = up ? at + 1 : at - 1;
        at = (next + n) % n;
        visit(at, next < 0 || next >= n);
    }
}

/// The nodes of a grid that a path visits after `from`, with a flag where it crosses a wrap-around link.
std::vector<GridStep> grid_path(const GridConfig& grid, int from, int to) {
    std::vector<GridStep> path;
    if (from == to) return path;
    if (grid.kind == TopologyKind::all_to_all) return {{to, false, true}};
    const int row = from / grid.cols, col = from % grid.cols;
    const int to_row = to / grid.cols, to_col = to % grid.cols;
    walk(col, to_col, grid.cols, wraps(grid.kind), row + col, [&](int at, bool crosses) {
        path.push_back({row * grid.cols + at, crosses, true});
    });
    walk(row, to_row, grid.rows, wraps(grid.kind), row + to_col, [&](int at, bool crosses) {
        path.push_back({at * grid.cols + to_col, crosses, false});
    });
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
    if (!config.port) return;
    first_port_ = static_cast<int>(links_.size());
    for (int pe = 0; pe < pes(); ++pe) {
        links_.push_back({pe, pe, *config.port, false, pe_name(pe) + "_in", LinkRole::into_network});
        links_.push_back({pe, pe, *config.port, false, pe_name(pe) + "_out", LinkRole::out_of_network});
    }
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

void Topology::route_in_cube(int from, int to, std::vector<Step>& out) const {
    const int base = from / pes_per_cube_ * pes_per_cube_;
    int at = from - base;
    for (const GridStep& s : grid_path(pe_grid_, at, to - base)) {
        // A link of an all-to-all cube within one row or column belongs to that dimension, as on a mesh, or cubes in
        // a torus could wait for each other through it.
        const bool along_row = at / pe_grid_.cols == s.next / pe_grid_.cols;
        out.push_back({link_between(base + at, base + s.next), along_row, s.crosses_wrap});
        at = s.next;
    }
}

Route Topology::route(int from, int to) const {
    std::vector<Step> steps;
    int cube = from / pes_per_cube_;
    int at = from;
    const int destination = to % pes_per_cube_;
    for (const GridStep& s : grid_path(cube_grid_, cube, to / pes_per_cube_)) {
        // Wrap-around crossings go backwards in number: from the last column out to the east, into the first.
        const bool forward = (s.next > cube) != s.crosses_wrap;
        const int row = at % pes_per_cube_ / pe_grid_.cols;
        const int col = destination % pe_grid_.cols;
        int exit = 0, entry = 0;
        if (s.along_row) {
            exit = row * pe_grid_.cols + (forward ? pe_grid_.cols - 1 : 0);
            entry = row * pe_grid_.cols + (forward ? 0 : pe_grid_.cols - 1);
        } else {
            exit = (forward ? pe_grid_.rows - 1 : 0) * pe_grid_.cols + col;
            entry = (forward ? 0 : pe_grid_.rows - 1) * pe_grid_.cols + col;
        }
        route_in_cube(at, cube * pes_per_cube_ + exit, steps);
        const int next = s.next * pes_per_cube_ + entry;
        steps.push_back({link_between(cube * pes_per_cube_ + exit, next), s.along_row, s.crosses_wrap});
        at = next;
        cube = s.next;
    }
    route_in_cube(at, to, steps);

    Route out;
    if (first_port_ >= 0) out.push_back({static_cast<std::uint32_t>(first_port_ + 2 * from), 0});
    for (auto begin = steps.begin(); begin != steps.end();) {
        const auto end =
            std::find_if(begin, steps.end(), [&](const Step& step) { return step.along_row != begin->along_row; });
        const bool wraps_around = std::any_of(begin, end, [](const Step& step) { return step.crosses_wrap; });
        for (; begin != end; ++begin) {
            out.push_back({static_cast<std::uint32_t>(begin->link), wraps_around ? 1U : 0U});
        }
    }
    if (first_port_ >= 0) out.push_back({static_cast<std::uint32_t>(first_port_ + 2 * to + 1), 0});
    return out;
}

std::vector<Topology::LinkEnd> Topology::link_ends(int pe) const {
    if (first_port_ >= 0) return {{first_port_ + 2 * pe, pe, true}, {first_port_ + 2 * pe + 1, pe, false}};
    std::vector<LinkEnd> ends;
    for (const auto& [peer, link] : outgoing_[static_cast<std::size_t>(pe)]) {
        ends.push_back({link, peer, true});
        ends.push_back({link_between(peer, pe), peer, false});
    }
    std::sort(ends.begin(), ends.end(), [](const LinkEnd& a, const LinkEnd& b) { return a.link < b.link; });
    return ends;
}

GridConfig Topology::whole_grid() const {
    return {cubes_ == 1 ? pe_grid_.kind : cube_grid_.kind, pe_grid_.rows * cube_grid_.rows,
            pe_grid_.cols * cube_grid_.cols};
}

int Topology::row_of(int pe) const {
    return pe / pes_per_cube_ / cube_grid_.cols * pe_grid_.rows + pe % pes_per_cube_ / pe_grid_.cols;
}

int Topology::col_of(int pe) const {
    return pe / pes_per_cube_ % cube_grid_.cols * pe_grid_.cols + pe % pes_per_cube_ % pe_grid_.cols;
}

int Topology::pe_at(int row, int col) const {
    const int cube = row / pe_grid_.rows * cube_grid_.cols + col / pe_grid_.cols;
    return cube * pes_per_cube_ + row % pe_grid_.rows * pe_grid_.cols + col % pe_grid_.cols;
}

int Topology::neighbour(int pe, int direction) const {
    const GridConfig whole = whole_grid();
    const int sign = direction == 0 || direction == 3 ? 1 : -1;  // east and south count up
    int row = row_of(pe), col = col_of(pe);
    (direction < 2 ? col : row) += sign;
    if (wraps(whole.kind)) {
        row = (row + whole.rows) % whole.rows;
        col = (col + whole.cols) % whole.cols;
    }
    if (row < 0 || row >= whole.rows || col < 0 || col >= whole.cols) return -1;
    const int other = pe_at(row, col);
    if (other == pe) return -1;
    for (const auto& [node, link] : outgoing_[static_cast<std::size_t>(pe)]) {
        if (node == other) return other;
    }
    return -1;
}

Picoseconds head_latency(const NetworkConfig& network, const Topology& topology, const Route& route) {
    Picoseconds total = network.router.latency();
    for (const Hop& hop : route) {
        const LinkSpec& link = topology.links()[hop.link];
        total += link.config.latency;
        if (link.role == LinkRole::routers) total += network.router.latency();
    }
    return total;
}

Picoseconds time_to_self(const NetworkConfig& network, Bytes bytes) {
    return network.router.latency() + network.link.rate_for(bytes).time_for(bytes);
}

}  // namespace tilemesh::noc
