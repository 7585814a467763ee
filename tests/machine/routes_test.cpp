// SPDX-License-Identifier: Apache-2.0
// Routes: they lead where they should, as short as the grid allows, and cannot wait for each other in a circle.
#include "tests/machine/grids.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <functional>
#include <set>
#include <string>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::test;

namespace {

/// Everything from one PE to a 4 x 4 grid of 2 x 4 cubes, every kind at both levels.
std::vector<std::pair<GridConfig, GridConfig>> all_networks() {
    std::vector<std::pair<GridConfig, GridConfig>> networks;
    const std::vector<GridConfig> flat{line(1),
                                       line(2),
                                       line(5),
                                       ring(2),
                                       ring(3),
                                       ring(4),
                                       ring(5),
                                       ring(8),
                                       mesh(2, 4),
                                       mesh(3, 3),
                                       mesh(4, 4),
                                       torus(2, 2),
                                       torus(2, 4),
                                       torus(3, 3),
                                       torus(4, 4),
                                       torus(3, 5),
                                       all_to_all(2),
                                       all_to_all(6),
                                       {TopologyKind::all_to_all, 2, 3}};
    for (const GridConfig& pes : flat) networks.emplace_back(pes, GridConfig{});
    const std::vector<GridConfig> inside{line(1),    line(3),       mesh(2, 4),
                                         mesh(3, 2), all_to_all(4), {TopologyKind::all_to_all, 2, 3}};
    const std::vector<GridConfig> outside{line(2),    line(4),     ring(3),     ring(4),     mesh(2, 2),
                                          mesh(4, 4), torus(2, 2), torus(3, 3), torus(4, 4), all_to_all(3)};
    for (const GridConfig& pes : inside) {
        for (const GridConfig& cubes : outside) networks.emplace_back(pes, cubes);
    }
    return networks;
}

/// Of all networks.
void for_each_route(const Topology& topology, const std::function<void(int, int, const Route&)>& visit) {
    for (int network = 0; network < topology.networks(); ++network)
        for (int from = 0; from < topology.pes(); ++from)
            for (int to = 0; to < topology.pes(); ++to) visit(from, to, topology.route(from, to, network));
}

/// Grids whose packets go the shorter way, rows first; and all with links that lead one way, in either order.
std::vector<NetworkConfig> other_routings() {
    std::vector<NetworkConfig> networks;
    for (auto& [pes, cubes] : all_networks()) {
        if (pes.kind == TopologyKind::all_to_all || cubes.kind == TopologyKind::all_to_all) continue;
        networks.push_back(network_of(pes, cubes));
        networks.back().routing = {Way::south_or_north, Way::east_or_west};
    }
    for (const GridConfig& grid : {ring(2), ring(3), ring(4), ring(7), ring(8), torus(2, 2), torus(2, 4), torus(3, 3),
                                   torus(4, 4), torus(3, 5)}) {
        NetworkConfig both = network_of(grid);
        both.several.assign(2, both);
        both.several[0].name = "noc0";
        both.several[0].routing = {Way::east, Way::south};
        both.several[1].name = "noc1";
        both.several[1].routing = {Way::north, Way::west};
        networks.push_back(both);
    }
    return networks;
}

std::string text_of(const NetworkConfig& network) {
    return tilemesh::test::text_of(network.cubes) + " cubes of " + tilemesh::test::text_of(network.pes_in_cube) +
           (network.several.empty() ? " rows first" : " one way");
}

/// Does any set of (link, class of virtual channels) wait for itself? Depth-first search over the edges of
/// consecutive hops.
bool has_cycle(const Topology& topology) {
    const std::size_t channels = topology.links().size() * 2;
    std::vector<std::vector<bool>> next(channels, std::vector<bool>(channels, false));
    const auto number = [](const Hop& hop) { return static_cast<std::size_t>(hop.link) * 2 + hop.channel_class; };
    for_each_route(topology, [&](int, int, const Route& route) {
        for (std::size_t i = 0; i + 1 < route.size(); ++i) next[number(route[i])][number(route[i + 1])] = true;
    });
    std::vector<int> state(channels, 0);  // 0 new, 1 on the path, 2 done
    const std::function<bool(std::size_t)> visit = [&](std::size_t at) {
        state[at] = 1;
        for (std::size_t to = 0; to < channels; ++to) {
            if (next[at][to] && (state[to] == 1 || (state[to] == 0 && visit(to)))) return true;
        }
        state[at] = 2;
        return false;
    };
    for (std::size_t at = 0; at < channels; ++at) {
        if (state[at] == 0 && visit(at)) return true;
    }
    return false;
}

std::size_t hops(const GridConfig& pes, int from, int to) { return Topology(network_of(pes)).route(from, to).size(); }

}  // namespace

TEST_CASE("every route is a chain of links from its source to its destination") {
    for (const auto& [pes, cubes] : all_networks()) {
        INFO(text_of(cubes) << " cubes of " << text_of(pes));
        const Topology topology(network_of(pes, cubes));
        int broken = 0;
        for_each_route(topology, [&](int from, int to, const Route& route) {
            int at = from;
            for (const Hop& hop : route) {
                const LinkSpec& link = topology.links()[hop.link];
                if (link.from != at || hop.channel_class > 1) ++broken;
                at = link.to;
            }
            if (at != to) ++broken;
        });
        CHECK(broken == 0);
    }
}

TEST_CASE("no route passes a PE twice") {
    for (const auto& [pes, cubes] : all_networks()) {
        INFO(text_of(cubes) << " cubes of " << text_of(pes));
        const Topology topology(network_of(pes, cubes));
        int repeated = 0;
        for_each_route(topology, [&](int from, int, const Route& route) {
            std::vector<bool> seen(static_cast<std::size_t>(topology.pes()), false);
            seen[static_cast<std::size_t>(from)] = true;
            for (const Hop& hop : route) {
                const auto to = static_cast<std::size_t>(topology.links()[hop.link].to);
                if (seen[to]) ++repeated;
                seen[to] = true;
            }
        });
        CHECK(repeated == 0);
    }
}

TEST_CASE("routes are as short as the grid allows") {
    const auto around = [](int a, int b, int n) { return std::min(std::abs(a - b), n - std::abs(a - b)); };
    for (int from = 0; from < 15; ++from) {
        for (int to = 0; to < 15; ++to) {
            const int rows = std::abs(from / 5 - to / 5), cols = std::abs(from % 5 - to % 5);
            CHECK(hops(line(15), from, to) == static_cast<std::size_t>(std::abs(from - to)));
            CHECK(hops(ring(15), from, to) == static_cast<std::size_t>(around(from, to, 15)));
            CHECK(hops(mesh(3, 5), from, to) == static_cast<std::size_t>(rows + cols));
            CHECK(hops(torus(3, 5), from, to) ==
                  static_cast<std::size_t>(around(from / 5, to / 5, 3) + around(from % 5, to % 5, 5)));
            CHECK(hops(all_to_all(15), from, to) == (from == to ? 0U : 1U));
        }
    }
}

TEST_CASE("a mesh of meshes routes as one large mesh: columns first, no detour") {
    const int rows = 2, cols = 4, cube_cols = 4;
    const Topology topology(network_of(mesh(rows, cols), mesh(4, cube_cols)));
    const auto row = [&](int pe) { return pe / 8 / cube_cols * rows + pe % 8 / cols; };
    const auto col = [&](int pe) { return pe / 8 % cube_cols * cols + pe % 8 % cols; };
    int longer = 0, turns_back = 0;
    for_each_route(topology, [&](int from, int to, const Route& route) {
        if (static_cast<int>(route.size()) != std::abs(row(from) - row(to)) + std::abs(col(from) - col(to))) ++longer;
        bool moved_down = false;
        for (const Hop& hop : route) {
            const LinkSpec& link = topology.links()[hop.link];
            const bool along_row = row(link.from) == row(link.to);
            if (along_row && moved_down) ++turns_back;
            moved_down = moved_down || !along_row;
        }
    });
    CHECK(longer == 0);
    CHECK(turns_back == 0);
}

TEST_CASE("no set of packets can wait for each other in a circle, on any topology") {
    for (const auto& [pes, cubes] : all_networks()) {
        INFO(text_of(cubes) << " cubes of " << text_of(pes));
        CHECK_FALSE(has_cycle(Topology(network_of(pes, cubes))));
    }
}

TEST_CASE("where both ways round a ring are equally long, every second node goes either way") {
    const Topology topology(network_of(ring(6)));
    for (int from = 0; from < 6; ++from) {
        const Route route = topology.route(from, (from + 3) % 6);
        REQUIRE(route.size() == 3);
        CHECK(topology.links()[route[0].link].to == (from + (from % 2 == 0 ? 1 : 5)) % 6);
    }
}

TEST_CASE("other orders and ways lead where they should, through one network, and pass no PE twice") {
    for (const NetworkConfig& network : other_routings()) {
        INFO(text_of(network));
        const Topology topology(network);
        int wrong = 0;
        for_each_route(topology, [&](int from, int to, const Route& route) {
            std::set<int> seen{from};
            int at = from;
            for (const Hop& hop : route) {
                const LinkSpec& link = topology.links()[hop.link];
                if (link.from != at || link.network != topology.links()[route.front().link].network) ++wrong;
                at = link.to;
                if (!seen.insert(at).second) ++wrong;
            }
            if (at != to) ++wrong;
        });
        CHECK(wrong == 0);
    }
}

TEST_CASE("links that lead one way are half as many, and packets go around") {
    for (const NetworkConfig& network : other_routings()) {
        if (network.several.empty()) continue;
        INFO(text_of(network));
        const Topology topology(network);
        const int rows = network.pes_in_cube.rows, cols = network.pes_in_cube.cols;
        const std::size_t of_one = static_cast<std::size_t>(rows * cols * ((rows > 1 ? 1 : 0) + (cols > 1 ? 1 : 0)));
        CHECK(topology.links().size() == 2 * of_one);
        int wrong = 0;
        for (int from = 0; from < topology.pes(); ++from) {
            for (int to = 0; to < topology.pes(); ++to) {
                const int east = (to % cols - from % cols + cols) % cols;
                const int south = (to / cols - from / cols + rows) % rows;
                const int back = (cols - east) % cols + (rows - south) % rows;
                const Route first = topology.route(from, to, 0), second = topology.route(from, to, 1);
                if (static_cast<int>(first.size()) != east + south) ++wrong;
                if (static_cast<int>(second.size()) != back) ++wrong;
                // Columns come first in one and last in the other.
                const auto along_row = [&](const Hop& hop) {
                    const LinkSpec& link = topology.links()[hop.link];
                    return link.from / cols == link.to / cols;
                };
                if (east > 0 && !along_row(first.front())) ++wrong;
                if (east > 0 && !along_row(second.back())) ++wrong;
                const int shorter = east + south < back ? 0 : east + south > back ? 1 : (from + to) % 2;
                if (from != to && topology.choice(from, to) != shorter) ++wrong;
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("nor do packets wait for each other in a circle there") {
    for (const NetworkConfig& network : other_routings()) {
        INFO(text_of(network));
        CHECK_FALSE(has_cycle(Topology(network)));
    }
}
