// SPDX-License-Identifier: Apache-2.0
// Topologies as data: how many links there are, between whom, how fast, and who is whose neighbour.
#include "tests/machine/grids.h"

#include <catch2/catch.hpp>

#include <set>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::test;

namespace {

std::size_t links_of(const GridConfig& pes, const GridConfig& cubes = {}) {
    return Topology(network_of(pes, cubes)).links().size();
}

enum Side { east, west, north, south };

}  // namespace

TEST_CASE("every kind of grid has as many directed links as geometry says") {
    for (const int n : {1, 2, 3, 8}) {
        const auto count = static_cast<std::size_t>(n);
        CHECK(links_of(line(n)) == 2 * (count - 1));
        CHECK(links_of(ring(n)) == (n > 2 ? 2 * count : 2 * (count - 1)));  // two nodes have one pair of links
        CHECK(links_of(all_to_all(n)) == count * (count - 1));
    }
    for (const auto& [rows, cols] : {std::pair{2, 4}, std::pair{4, 4}, std::pair{3, 5}}) {
        const auto r = static_cast<std::size_t>(rows), c = static_cast<std::size_t>(cols);
        CHECK(links_of(mesh(rows, cols)) == 2 * (r * (c - 1) + c * (r - 1)));
        const std::size_t in_rows = c > 2 ? r * c : r, in_cols = r > 2 ? r * c : c;
        CHECK(links_of(torus(rows, cols)) == 2 * (in_rows + in_cols));
    }
}

TEST_CASE("cubes are joined by one link per PE along the side they share") {
    const std::size_t inside = links_of(mesh(2, 4));
    // 4 x 4 cubes: 12 pairs side by side share 2 rows, 12 pairs one above the other share 4 columns.
    CHECK(links_of(mesh(2, 4), mesh(4, 4)) == 16 * inside + 2 * 12 * (2 + 4));
    CHECK(links_of(mesh(2, 4), torus(4, 4)) == 16 * inside + 2 * 16 * (2 + 4));
    CHECK(links_of(line(3), line(3)) == 3 * links_of(line(3)) + 2 * 2);
}

TEST_CASE("the connections of a side are shared evenly by the PEs along it") {
    const NetworkConfig config = network_of(mesh(2, 4), mesh(2, 2));
    const Topology topology(config);
    double across = 0.0, down = 0.0;
    for (const LinkSpec& link : topology.links()) {
        const int from = link.from / 8, to = link.to / 8;
        CHECK(link.die_to_die == (from != to));
        if (from == 0 && to == 1) across += link.config.rate.gbytes_per_s();
        if (from == 0 && to == 2) down += link.config.rate.gbytes_per_s();
        if (from != to) CHECK(link.config.latency == config.die_to_die.latency);
    }
    const double side = config.connections_per_side * config.die_to_die.rate.gbytes_per_s();
    CHECK(across == Approx(side));
    CHECK(down == Approx(side));
}

TEST_CASE("no link joins a PE to itself, no two join the same pair, and names are unique") {
    for (const auto& [pes, cubes] :
         {std::pair{torus(4, 4), line(1)}, std::pair{mesh(2, 4), torus(4, 4)}, std::pair{ring(2), line(1)},
          std::pair{torus(2, 2), line(1)}, std::pair{line(4), ring(2)}, std::pair{all_to_all(4), torus(3, 3)}}) {
        std::set<std::pair<int, int>> pairs;
        std::set<std::string> names;
        const Topology topology(network_of(pes, cubes));
        for (const LinkSpec& link : topology.links()) {
            CHECK(link.from != link.to);
            CHECK(pairs.insert({link.from, link.to}).second);
            CHECK(names.insert(link.name).second);
        }
        for (const auto& [from, to] : pairs) CHECK(pairs.count({to, from}) == 1);  // full duplex
    }
}

TEST_CASE("east and west are columns, north and south are rows, across cubes as within") {
    const Topology topology(network_of(mesh(2, 4), mesh(2, 2)));
    // PE 3 of cube 0 is the north-east corner of that cube.
    CHECK(topology.neighbour(3, west) == 2);
    CHECK(topology.neighbour(3, south) == 7);
    CHECK(topology.neighbour(3, north) == -1);
    CHECK(topology.neighbour(3, east) == 8);  // PE 0 of cube 1
    CHECK(topology.neighbour(8, west) == 3);
    CHECK(topology.neighbour(6, south) == 16 + 2);  // PE 2 of cube 2, below
    CHECK(topology.neighbour(15, east) == -1);
}

TEST_CASE("a ring's ends are neighbours, a line's are not") {
    CHECK(Topology(network_of(ring(5))).neighbour(4, east) == 0);
    CHECK(Topology(network_of(ring(5))).neighbour(0, west) == 4);
    CHECK(Topology(network_of(line(5))).neighbour(4, east) == -1);
    CHECK(Topology(network_of(line(5))).neighbour(0, west) == -1);
}
