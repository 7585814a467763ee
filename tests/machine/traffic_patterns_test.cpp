// SPDX-License-Identifier: Apache-2.0
// Who sends to whom in each pattern of synthetic traffic, and what the network can carry of those whose limit has a
// closed form.
#include "sim/probe/traffic_run.h"
#include "tests/machine/grids.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

TrafficPattern pattern(const std::string& name) {
    TrafficPattern made;
    made.name = name;
    return made;
}

/// One flit per cycle on links and ports.
TrafficPoint saturated(const NetworkConfig& base, const TrafficPattern& pattern) {
    NetworkConfig network = base;
    network.port = network.link;
    network.flit = Bytes(128);
    network.packet = Bytes(128);
    TrafficLoad load;
    load.pattern = pattern;
    load.offered = 1.0;
    load.warmup_cycles = 2000;
    load.measured_cycles = 6000;
    load.drain_cycles = 0;
    return run_traffic(network, load);
}

}  // namespace

TEST_CASE("permutations send every node to one other, and twice over back to itself where they are reflections") {
    const Topology topology(network_of(mesh(2, 2), mesh(3, 3)));  // a grid of 6 x 6 PEs in cubes of 2 x 2
    const auto n = topology.pes();
    for (const char* name : {"neighbour", "transpose", "bit_complement"}) {
        const TrafficPattern permutation = pattern(name);
        const Destinations to = destinations_of(permutation, topology);
        std::set<int> reached;
        for (int pe = 0; pe < n; ++pe) {
            const int other = to(pe, 7);
            reached.insert(other);
            CHECK(other == to(pe, 8));
            if (permutation.name == "neighbour") {
                CHECK(topology.row_of(other) == (topology.row_of(pe) + 1) % 6);
                CHECK(topology.col_of(other) == (topology.col_of(pe) + 1) % 6);
            } else {
                CHECK(to(other, 0) == pe);
            }
            if (permutation.name == "bit_complement") {
                CHECK(topology.row_of(other) + topology.row_of(pe) == 5);
                CHECK(topology.col_of(other) + topology.col_of(pe) == 5);
            }
            if (permutation.name == "transpose") CHECK(topology.row_of(other) == topology.col_of(pe));
        }
        CHECK(reached.size() == static_cast<std::size_t>(n));
    }
}

TEST_CASE("only transpose asks for as many rows as columns") {
    for (const auto& [rows, cols, square] :
         {std::tuple{3, 4, false}, std::tuple{4, 3, false}, std::tuple{3, 3, true}}) {
        const Topology topology(network_of(mesh(rows, cols)));
        CHECK(unsuitable(pattern("transpose"), topology).empty() == square);
        CHECK(unsuitable(pattern("neighbour"), topology).empty());
    }
}

TEST_CASE("all_to_all sends to every other node once per round, never to itself") {
    const Topology topology(network_of(line(7)));
    const TrafficPattern everybody = pattern("all_to_all");
    const Destinations to = destinations_of(everybody, topology);
    for (int pe = 0; pe < 7; ++pe) {
        for (const std::uint64_t round : {0, 1, 5}) {
            std::set<int> reached;
            for (std::uint64_t i = 0; i < 6; ++i) reached.insert(to(pe, 6 * round + i));
            CHECK(reached.size() == 6);
            CHECK(reached.count(pe) == 0);
        }
    }
}

TEST_CASE("random patterns choose as often as their probabilities say") {
    const Topology topology(network_of(mesh(3, 4)));
    constexpr int draws = 20000;
    const auto counts = [&](const TrafficPattern& random, int source) {
        const Destinations to = destinations_of(random, topology);
        std::vector<int> count(12, 0);
        for (std::uint64_t i = 0; i < draws; ++i) ++count[static_cast<std::size_t>(to(source, i))];
        return count;
    };
    // Five standard deviations of a binomial count.
    const auto near = [&](int found, double chance) {
        return std::abs(found - draws * chance) <= 5.0 * std::sqrt(draws * chance * (1.0 - chance));
    };
    TrafficPattern random = pattern("uniform");
    for (const bool self : {false, true}) {
        random.include_self = self;
        const std::vector<int> count = counts(random, 5);
        for (std::size_t pe = 0; pe < 12; ++pe) {
            if (pe == 5 && !self) {
                CHECK(count[pe] == 0);
            } else {
                CHECK(near(count[pe], self ? 1.0 / 12.0 : 1.0 / 11.0));
            }
        }
    }
    random = pattern("hotspot");
    random.hot = 3;
    random.share = 0.4;
    CHECK(near(counts(random, 5)[3], 0.4 + 0.6 / 11.0));
    CHECK(near(counts(random, 5)[4], 0.6 / 11.0));
    CHECK(counts(random, 3)[3] == 0);  // the hot node itself has nobody hotter
}

TEST_CASE("a hot node takes a flit per cycle and no more") {
    TrafficPattern everybody_to_one = pattern("hotspot");
    everybody_to_one.hot = 5;
    everybody_to_one.share = 1.0;
    const NetworkConfig network = network_of(mesh(4, 4));
    const TrafficPoint point = saturated(network, everybody_to_one);
    // The hot node sends anywhere, at whatever its port gives it; all others to it alone.
    CHECK(point.accepted * 16.0 >= 1.0);
    CHECK(point.accepted * 16.0 <= 2.01);  // what was under way when measuring began may arrive, too
    const Topology topology([&] {
        NetworkConfig with_port = network;
        with_port.port = with_port.link;
        return with_port;
    }());
    const auto out = std::find_if(topology.links().begin(), topology.links().end(), [](const LinkSpec& link) {
        return link.role == LinkRole::out_of_network && link.to == 5;
    });
    REQUIRE(out != topology.links().end());
    const double load = point.link_loads[static_cast<std::size_t>(out - topology.links().begin())];
    CHECK(load <= 1.0);
    CHECK(load >= 0.99);
}

TEST_CASE("mirrored on a line, everything passes its middle: no node gets more than its share of that link") {
    const int n = 6;
    const TrafficPoint point = saturated(network_of(line(n)), pattern("bit_complement"));
    CHECK(point.accepted <= 1.0 / (n / 2) + 1e-9);
    CHECK(point.accepted >= 0.8 / (n / 2));
    CHECK(*std::max_element(point.link_loads.begin(), point.link_loads.end()) <= 1.0);
}

TEST_CASE("a packet to the node itself takes its flits' time, so that a closed loop of them goes on in time") {
    NetworkConfig network = network_of(all_to_all(3));
    network.router = {};
    network.flit = network.packet = Bytes(128);
    TrafficLoad load;
    load.pattern = pattern("bit_complement");  // node 1 sends to itself
    load.outstanding = 1;
    load.warmup_cycles = 0;
    load.measured_cycles = 1000;
    load.drain_cycles = 10;
    const TrafficPoint point = run_traffic(network, load);
    CHECK(point.accepted <= 1.0);
    CHECK(point.accepted * 3 >= 1.0);  // node 1 by itself
}

TEST_CASE("links that are full with long packets of many channels are full, not more") {
    NetworkConfig network = network_of(line(5));
    network.port = network.link;
    network.router.virtual_channels = 8;
    network.flit = Bytes(16);
    network.packet = Bytes(16 * 60);
    TrafficLoad load;
    load.pattern = pattern("bit_complement");
    load.packet_flits = 60;
    load.offered = 1.0;
    load.warmup_cycles = 3000;
    load.measured_cycles = 3000;
    load.drain_cycles = 0;
    const TrafficPoint point = run_traffic(network, load);
    const double most = *std::max_element(point.link_loads.begin(), point.link_loads.end());
    CHECK(most <= 1.0);
    CHECK(most >= 0.95);
}
