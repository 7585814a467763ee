// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/topology.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cstdlib>

namespace tilemesh::noc {
namespace {

bool wraps(TopologyKind kind) { return kind == TopologyKind::ring || kind == TopologyKind::torus; }

/// Does the path along one dimension of length n count upwards? Where both ways are equally long, every second node
/// goes either way, so that both directions carry the same. `way`: the only one there is; 0: both.
bool goes_up(int at, int to, int n, bool wrap, int parity, int way) {
    if (way != 0) return way > 0;
    if (!wrap || n <= 2) return to > at;
    const int forward = (to - at + n) % n;
    return 2 * forward == n ? parity % 2 == 0 : 2 * forward < n;
}

/// Steps along one dimension from `at` to `to`; visit(next position, crosses a wrap-around link).
template <class Visit>
void walk(int at, int to, int n, bool wrap, int parity, int way, Visit visit) {
    const bool up = at != to && goes_up(at, to, n, wrap, parity, way);
    while (at != to) {
        const int next = up ? at + 1 : at - 1;
        at = (next + n) % n;
        visit(at, n > 2 && (next < 0 || next >= n));  // of two nodes each is beside the other both ways
    }
}

/// Calls join(a, b, along_row) for every pair of neighbours, b to the east or south of a.
template <class Join>
void for_each_pair(const GridConfig& grid, bool one_way_in_row, bool one_way_in_col, Join join) {
    if (grid.kind == TopologyKind::all_to_all) {
        for (int a = 0; a < grid.nodes(); ++a) {
            for (int b = a + 1; b < grid.nodes(); ++b) join(a, b, true);
        }
        return;
    }
    // A wrap between two nodes would double the link they have, if that leads both ways.
    const bool wraps_row = wraps(grid.kind) && grid.cols > (one_way_in_row ? 1 : 2);
    const bool wraps_col = wraps(grid.kind) && grid.rows > (one_way_in_col ? 1 : 2);
    for (int row = 0; row < grid.rows; ++row) {
        for (int col = 0; col < grid.cols; ++col) {
            const int a = row * grid.cols + col;
            if (col + 1 < grid.cols) join(a, a + 1, true);
            if (row + 1 < grid.rows) join(a, a + grid.cols, false);
            if (wraps_row && col == grid.cols - 1) join(a, row * grid.cols, true);
            if (wraps_col && row == grid.rows - 1) join(a, col, false);
        }
    }
}

}  // namespace

Topology::Ways::Ways(const std::vector<Way>& routing) : rows_first(!routing.empty() && !noc::along_row(routing[0])) {
    for (const Way way : routing) {
        if (!leads_one_way(way)) continue;
        (noc::along_row(way) ? along_row : along_col) = way == Way::east || way == Way::south ? 1 : -1;
    }
}

/// The nodes of a grid that a path visits after `from`, with a flag where it crosses a wrap-around link.
std::vector<Topology::GridStep> Topology::grid_path(const GridConfig& grid, const Ways& ways, int from, int to) {
    std::vector<GridStep> path;
    if (from == to) return path;
    if (grid.kind == TopologyKind::all_to_all) return {{to, false, true}};
    int row = from / grid.cols, col = from % grid.cols;
    const int to_row = to / grid.cols, to_col = to % grid.cols;
    const auto through_columns = [&] {
        walk(col, to_col, grid.cols, wraps(grid.kind), row + col, ways.along_row, [&](int at, bool crosses) {
            path.push_back({row * grid.cols + at, crosses, true});
        });
        col = to_col;
    };
    const auto through_rows = [&] {
        walk(row, to_row, grid.rows, wraps(grid.kind), row + col, ways.along_col, [&](int at, bool crosses) {
            path.push_back({at * grid.cols + col, crosses, false});
        });
        row = to_row;
    };
    if (ways.rows_first) through_rows();
    through_columns();
    if (!ways.rows_first) through_rows();
    return path;
}

Topology::Topology(const NetworkConfig& config)
    : pe_grid_(config.pes_in_cube),
      cube_grid_(config.cubes),
      cubes_(config.cubes.nodes()),
      pes_per_cube_(config.pes_in_cube.nodes()) {
    for (const SubnetworkConfig& network : config.networks()) add_network(network);
}

void Topology::add_network(const SubnetworkConfig& config) {
    Wires& wires = networks_.emplace_back(
        Wires{config.pes_in_cube, config.cubes, Ways(config.routing), config.name.empty() ? "" : "_" + config.name});
    wires.out.resize(static_cast<std::size_t>(pes()));
    wires.in.resize(static_cast<std::size_t>(pes()));
    const Ways& ways = wires.ways;
    for (int cube = 0; cube < cubes_; ++cube) {
        const int base = cube * pes_per_cube_;
        for_each_pair(wires.pe_grid, ways.along_row != 0, ways.along_col != 0, [&](int a, int b, bool along_row) {
            if (ways.of(along_row) >= 0) add_link(base + a, base + b, config.link, false);
            if (ways.of(along_row) <= 0) add_link(base + b, base + a, config.link, false);
        });
    }
    for_each_pair(wires.cube_grid, false, false,
                  [&](int a, int b, bool along_row) { join_cubes(a, b, along_row, config); });
    if (!config.port) return;
    wires.first_port = static_cast<int>(links_.size());
    const int number = networks() - 1;
    for (int pe = 0; pe < pes(); ++pe) {
        const std::string name = pe_name(pe);
        links_.push_back({pe, pe, *config.port, false, name + "_in" + wires.suffix, LinkRole::into_network, number});
        links_.push_back(
            {pe, pe, *config.port, false, name + "_out" + wires.suffix, LinkRole::out_of_network, number});
    }
}

bool Topology::two_classes(int network) const {
    const Wires& wires = networks_[static_cast<std::size_t>(network)];
    return has_wraps(wires.pe_grid) || has_wraps(wires.cube_grid);
}

void Topology::join_cubes(int a, int b, bool along_row, const SubnetworkConfig& config) {
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
    Wires& wires = networks_.back();
    const std::string to_name = same_cube ? fmt::format("pe{}", to % pes_per_cube_)
                                          : fmt::format("cube{}_pe{}", to / pes_per_cube_, to % pes_per_cube_);
    links_.push_back({from, to, config, die_to_die, fmt::format("{}_to_{}{}", pe_name(from), to_name, wires.suffix),
                      LinkRole::routers, networks() - 1});
    wires.out[static_cast<std::size_t>(from)].emplace_back(to, index);
    wires.in[static_cast<std::size_t>(to)].emplace_back(from, index);
}

int Topology::link_between(const Wires& wires, int from, int to) const {
    for (const auto& [node, link] : wires.out[static_cast<std::size_t>(from)]) {
        if (node == to) return link;
    }
    fail<InternalError>("no link from {} to {}", pe_name(from), pe_name(to));
}

void Topology::route_in_cube(const Wires& wires, int from, int to, std::vector<Step>& out) const {
    const int base = from / pes_per_cube_ * pes_per_cube_;
    int at = from - base;
    for (const GridStep& s : grid_path(wires.pe_grid, wires.ways, at, to - base)) {
        // A link of an all-to-all cube within one row or column belongs to that dimension, as on a mesh, or cubes in
        // a torus could wait for each other through it.
        const bool along_row = at / pe_grid_.cols == s.next / pe_grid_.cols;
        out.push_back({link_between(wires, base + at, base + s.next), along_row, s.crosses_wrap});
        at = s.next;
    }
}

int Topology::choice(int from, int to) const {
    if (networks_.size() == 1) return 0;
    std::vector<int> shortest;
    std::size_t hops = 0;
    for (int network = 0; network < networks(); ++network) {
        std::size_t own = 0;
        for (const Hop& hop : route(from, to, network)) own += links_[hop.link].role == LinkRole::routers ? 1 : 0;
        if (shortest.empty() || own < hops) {
            shortest.clear();
            hops = own;
        }
        if (own == hops) shortest.push_back(network);
    }
    return shortest[static_cast<std::size_t>(from + to) % shortest.size()];
}

Route Topology::route(int from, int to, int network) const {
    const Wires& wires = networks_[static_cast<std::size_t>(network)];
    std::vector<Step> steps;
    int cube = from / pes_per_cube_;
    int at = from;
    // Where it crosses to the next cube, the dimension that comes first stands still at its end, or has not begun.
    const auto row_of_crossing = [&] { return (wires.ways.rows_first ? to : at) % pes_per_cube_ / pe_grid_.cols; };
    const auto col_of_crossing = [&] { return (wires.ways.rows_first ? at : to) % pes_per_cube_ % pe_grid_.cols; };
    for (const GridStep& s : grid_path(wires.cube_grid, wires.ways, cube, to / pes_per_cube_)) {
        // Wrap-around crossings go backwards in number: from the last column out to the east, into the first.
        const bool forward = (s.next > cube) != s.crosses_wrap;
        const int row = row_of_crossing(), col = col_of_crossing();
        int exit = 0, entry = 0;
        if (s.along_row) {
            exit = row * pe_grid_.cols + (forward ? pe_grid_.cols - 1 : 0);
            entry = row * pe_grid_.cols + (forward ? 0 : pe_grid_.cols - 1);
        } else {
            exit = (forward ? pe_grid_.rows - 1 : 0) * pe_grid_.cols + col;
            entry = (forward ? 0 : pe_grid_.rows - 1) * pe_grid_.cols + col;
        }
        route_in_cube(wires, at, cube * pes_per_cube_ + exit, steps);
        const int next = s.next * pes_per_cube_ + entry;
        steps.push_back({link_between(wires, cube * pes_per_cube_ + exit, next), s.along_row, s.crosses_wrap});
        at = next;
        cube = s.next;
    }
    route_in_cube(wires, at, to, steps);

    Route out;
    const int port = wires.first_port;
    if (port >= 0) out.push_back({static_cast<std::uint32_t>(port + 2 * from), 0});
    for (auto begin = steps.begin(); begin != steps.end();) {
        const auto end =
            std::find_if(begin, steps.end(), [&](const Step& step) { return step.along_row != begin->along_row; });
        const bool one_way = wires.ways.of(begin->along_row) != 0;
        bool wrapped = !one_way && std::any_of(begin, end, [](const Step& step) { return step.crosses_wrap; });
        for (; begin != end; ++begin) {
            wrapped = wrapped || begin->crosses_wrap;
            out.push_back({static_cast<std::uint32_t>(begin->link), wrapped ? 1U : 0U});
        }
    }
    if (port >= 0) out.push_back({static_cast<std::uint32_t>(port + 2 * to + 1), 0});
    return out;
}

std::vector<Topology::LinkEnd> Topology::link_ends(int pe) const {
    std::vector<LinkEnd> ends;
    for (const Wires& wires : networks_) {
        if (wires.first_port >= 0) {
            ends.push_back({wires.first_port + 2 * pe, pe, true});
            ends.push_back({wires.first_port + 2 * pe + 1, pe, false});
            continue;
        }
        for (const auto& [peer, link] : wires.out[static_cast<std::size_t>(pe)]) ends.push_back({link, peer, true});
        for (const auto& [peer, link] : wires.in[static_cast<std::size_t>(pe)]) ends.push_back({link, peer, false});
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
    const auto leads_there = [other](const auto& peer) { return peer.first == other; };
    for (const Wires& wires : networks_) {
        const auto &out = wires.out[static_cast<std::size_t>(pe)], &in = wires.in[static_cast<std::size_t>(pe)];
        if (std::any_of(out.begin(), out.end(), leads_there) || std::any_of(in.begin(), in.end(), leads_there))
            return other;
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
