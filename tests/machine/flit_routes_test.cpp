// SPDX-License-Identifier: Apache-2.0
// Routes on the networks of a chip: order of dimensions, one way and either way, around the edges, and the side of
// the dateline.
#include "sim/noc/flit_routes.h"
#include "tests/machine/chips.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::test;

namespace {

std::vector<int> path(const FlitRoutes& routes, int from, int to) {
    std::vector<int> nodes{from};
    for (int out = routes.output(from, to); out != FlitRoutes::local; out = routes.output(from, to)) {
        from = routes.next(from, out);
        nodes.push_back(from);
        REQUIRE(nodes.size() < 100);
    }
    return nodes;
}

FlitRoutes routes_of(TopologyKind kind, int rows, int cols, std::vector<Way> routing) {
    const ChipNetworks chip = chip_of(kind, rows, cols, std::move(routing));
    return {chip.networks[0], chip.grid};
}

}  // namespace

TEST_CASE("one way only: packets go around, in the order of the network") {
    const FlitRoutes south_east = routes_of(TopologyKind::torus, 4, 5, {Way::east, Way::south});
    // Node 7 is row 1, column 2; node 16 is row 3, column 1.
    CHECK(path(south_east, 7, 16) == std::vector<int>{7, 8, 9, 5, 6, 11, 16});
    CHECK(path(south_east, 16, 7) == std::vector<int>{16, 17, 2, 7});
    CHECK(south_east.hops(7, 6) == 4);
    const FlitRoutes north_west = routes_of(TopologyKind::torus, 4, 5, {Way::north, Way::west});
    CHECK(path(north_west, 7, 16) == std::vector<int>{7, 2, 17, 16});
    CHECK(path(north_west, 16, 7) == std::vector<int>{16, 11, 6, 5, 9, 8, 7});
}

TEST_CASE("either way: the shorter one on a torus, the only one on a mesh") {
    const FlitRoutes torus = routes_of(TopologyKind::torus, 4, 5, {Way::east_or_west, Way::south_or_north});
    CHECK(path(torus, 0, 4) == std::vector<int>{0, 4});
    CHECK(path(torus, 0, 2) == std::vector<int>{0, 1, 2});
    CHECK(path(torus, 0, 10) == std::vector<int>{0, 5, 10});  // as far either way
    const FlitRoutes mesh = routes_of(TopologyKind::mesh, 4, 5, {Way::south_or_north, Way::east_or_west});
    CHECK(path(mesh, 0, 9) == std::vector<int>{0, 5, 6, 7, 8, 9});
    CHECK(path(mesh, 19, 13) == std::vector<int>{19, 14, 13});
}

TEST_CASE("a packet is on side 1 from the link that wraps around until it turns") {
    const FlitRoutes routes = routes_of(TopologyKind::torus, 4, 5, {Way::east, Way::south});
    constexpr int east = FlitRoutes::east, south = FlitRoutes::south, local = FlitRoutes::local;
    CHECK(routes.side(7, local, 0, east) == 0);
    CHECK(routes.side(9, east, 0, east) == 1);   // wraps
    CHECK(routes.side(5, east, 1, east) == 1);   // stays
    CHECK(routes.side(6, east, 1, south) == 0);  // turns
    CHECK(routes.side(16, south, 0, south) == 1);
    CHECK(routes.side(1, south, 1, local) == 1);
    CHECK(routes.side(16, east, 0, south) == 1);  // turns onto a link that wraps
}
