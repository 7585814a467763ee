// SPDX-License-Identifier: Apache-2.0
// Where traffic saturates, against what the busiest link can carry: nothing may pass more than that, and where that
// link is the only thing that traffic meets, it passes nearly as much. Limits are worked out here, from the patterns'
// and the routing's definitions.
#include "sim/probe/traffic_saturation.h"
#include "sim/base/random.h"
#include "tests/machine/grids.h"

#include <catch2/catch.hpp>

#include <map>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

/// Links of a flit per ns with channels and buffers that keep them busy. Without ports, so that only links limit.
NetworkConfig network_for(const GridConfig& grid, int channels, int packet_flits) {
    constexpr std::uint64_t flit = 16, buffer_flits = 64;
    const Picoseconds cycle = from_nanoseconds(1.0);
    NetworkConfig network = network_of(grid);
    network.link = {Rate::gbytes_per_s(flit), cycle, Bytes(flit * buffer_flits)};
    network.router = {Picoseconds(), cycle, cycle, cycle, cycle, channels, 0};
    network.flit = Bytes(flit);
    network.packet = Bytes(flit * static_cast<std::uint64_t>(packet_flits));
    return network;
}

/// How the packets of a node are spread: the chance of each destination.
using Chances = std::map<int, double>;
Chances chances(const std::string& pattern, const GridConfig& grid, int source) {
    const int n = grid.nodes(), row = source / grid.cols, col = source % grid.cols;
    Chances to;
    const auto spread = [&](double share) {
        for (int other = 0; other < n; ++other)
            if (other != source) to[other] += share / (n - 1);
    };
    if (pattern == "uniform") spread(1.0);
    if (pattern == "neighbour") to[(row + 1) % grid.rows * grid.cols + (col + 1) % grid.cols] = 1.0;
    if (pattern == "bit_complement") to[(grid.rows - 1 - row) * grid.cols + grid.cols - 1 - col] = 1.0;
    if (pattern == "transpose") to[col * grid.cols + row] = 1.0;
    if (pattern == "hotspot" && source != 0) to[0] += 0.5;  // the default: half of all to node 0, which has no hotter
    if (pattern == "hotspot") spread(source == 0 ? 1.0 : 0.5);
    return to;
}

/// Flits that a link carries per flit that every node sends: columns first, then rows, the shorter way round; of
/// equal ways every second node takes either. A dimension of two has one link each way and no wrap.
double busiest_link(const std::string& pattern, const GridConfig& grid) {
    const bool wraps = grid.kind == TopologyKind::ring || grid.kind == TopologyKind::torus;
    std::map<std::pair<int, int>, double> load;
    for (int source = 0; source < grid.nodes(); ++source) {
        for (const auto& [destination, chance] : chances(pattern, grid, source)) {
            std::array<int, 2> at{source % grid.cols, source / grid.cols};
            const std::array<int, 2> to{destination % grid.cols, destination / grid.cols};
            const std::array<int, 2> size{grid.cols, grid.rows};
            for (const std::size_t dim : {0U, 1U}) {
                const int n = size[dim], up = (to[dim] - at[dim] + n) % n;
                bool goes_up = to[dim] > at[dim];
                if (wraps && n > 2) goes_up = 2 * up == n ? (at[0] + at[1]) % 2 == 0 : 2 * up < n;
                while (at[dim] != to[dim]) {
                    const int from = at[1] * grid.cols + at[0];
                    at[dim] = (at[dim] + (goes_up ? 1 : n - 1)) % n;
                    load[{from, at[1] * grid.cols + at[0]}] += chance;
                }
            }
        }
    }
    double most = 0.0;
    for (const auto& [link, flits] : load) most = std::max(most, flits);
    return most;
}

TrafficLoad load_of(const std::string& pattern, int packet_flits, double offered) {
    TrafficLoad load;
    load.pattern.name = pattern;
    load.packet_flits = packet_flits;
    load.offered = offered;
    load.warmup_cycles = load.drain_cycles = 0;
    load.measured_cycles = 1;
    return load;
}

bool too_much(const NetworkConfig& network, const std::string& pattern, int packet_flits, double offered) {
    return run_traffic(network, load_of(pattern, packet_flits, offered)).unstable;
}

}  // namespace

TEST_CASE("the busiest links worked out by walking are those of the closed forms") {
    for (const int n : {2, 3, 6, 7}) {
        INFO(n << " nodes");
        // Half of a line sends to the other over its middle, uniformly or all of it.
        CHECK(busiest_link("uniform", line(n)) == Approx((n / 2) * (n - n / 2) / (n - 1.0)));
        CHECK(busiest_link("bit_complement", line(n)) == n / 2);
        CHECK(busiest_link("neighbour", line(n)) == 1.0);
        CHECK(busiest_link("neighbour", ring(n)) == 1.0);
        // All to node 0, over its one link: half of each of the others' packets, and their share of the rest.
        CHECK(busiest_link("hotspot", line(n)) >= Approx((n - 1) * 0.5 + 0.5));
    }
    // Uniform on a ring of odd length: distances 1 .. (n - 1) / 2 either way.
    for (const int n : {3, 5, 7}) CHECK(busiest_link("uniform", ring(n)) == Approx((n + 1) / 8.0));
    // Two nodes are joined once, wrap or not.
    for (const char* pattern : {"uniform", "neighbour", "bit_complement"})
        CHECK(busiest_link(pattern, ring(2)) == busiest_link(pattern, line(2)));
    CHECK(busiest_link("uniform", torus(2, 2)) == busiest_link("uniform", mesh(2, 2)));
    CHECK(busiest_link("neighbour", torus(2, 2)) == 1.0);
    // Transpose on a mesh of k x k: of row 0 all but the first node go over the link into column 0's corner.
    for (const int k : {2, 3, 4}) CHECK(busiest_link("transpose", mesh(k, k)) == k - 1);
    // Over the middle of a mesh of rows x cols, bit_complement sends half of each row.
    CHECK(busiest_link("bit_complement", mesh(8, 2)) == 4.0);
    CHECK(busiest_link("bit_complement", mesh(3, 6)) == 3.0);
}

TEST_CASE("random machines carry two fifths of what fills their busiest link, and never more than fills it") {
    constexpr std::uint64_t machines = 44;
    const std::vector<std::string> patterns{"uniform", "neighbour", "bit_complement", "transpose", "hotspot"};
    for (std::uint64_t i = 0; i < machines; ++i) {
        const auto draw = [&](std::uint64_t what, int least, int most) {
            return least + static_cast<int>(random_below(7, what, i, static_cast<std::uint64_t>(most - least + 1)));
        };
        const std::string& pattern = patterns[i % patterns.size()];
        const int side = draw(1, 2, 5), kind = draw(2, 0, 3), flits = draw(4, 1, 6);
        GridConfig grid = kind < 2 ? (kind == 0 ? line(draw(3, 2, 9)) : ring(draw(3, 2, 9)))
                                   : (kind == 2 ? mesh(side, draw(3, 2, 5)) : torus(side, draw(3, 2, 5)));
        if (pattern == "transpose") grid = kind % 2 == 0 ? mesh(side, side) : torus(side, side);
        const NetworkConfig network = network_for(grid, 2 * draw(5, 1, 4), flits);
        const double limit = 1.0 / busiest_link(pattern, grid);
        INFO("machine " << i << ": " << pattern << " on " << text_of(grid) << ", packets of " << flits << " flits, "
                        << network.router.virtual_channels << " channels, limit " << limit);
        // Long packets that hold several links in a wormhole network take from what the links could do: with two
        // channels a class of a ring has one, which its allocation leaves idle for a cycle per packet (flits of
        // flits + 1), and whom it blocks waits with it.
        CHECK_FALSE(too_much(network, pattern, flits, 0.4 * limit));
        if (1.06 * limit <= 1.0) CHECK(too_much(network, pattern, flits, 1.06 * limit));
    }
}

TEST_CASE("where one link is all that traffic meets, it saturates when that link is full") {
    struct Case {
        std::string pattern;
        GridConfig grid;
    };
    // Eight channels and long buffers: what is left is the allocation of channels and the hundredth of the search.
    for (const Case& one :
         {Case{"bit_complement", line(6)}, Case{"bit_complement", mesh(8, 2)}, Case{"bit_complement", ring(2)},
          Case{"hotspot", line(5)}, Case{"transpose", mesh(3, 3)}}) {
        const NetworkConfig network = network_for(one.grid, 8, 4);
        const double limit = 1.0 / busiest_link(one.pattern, one.grid);
        INFO(one.pattern << " on " << text_of(one.grid) << ", limit " << limit);
        if (limit >= 1.0) {
            CHECK_FALSE(too_much(network, one.pattern, 4, 0.9));
            continue;
        }
        const Saturation found =
            find_saturation(network, load_of(one.pattern, 4, 0.0), 0.0, 0.0, std::min(1.0, 1.5 * limit));
        CHECK(found.load <= 1.01 * limit);  // random packets come, and choose, a little more or less often
        CHECK(found.load >= 0.93 * limit);
        CHECK(found.carried < found.too_much);
        CHECK(found.too_much - found.carried <= 0.0101 * found.too_much);
    }
}

TEST_CASE("whether a load is too much does not depend on how long it is measured") {
    const NetworkConfig network = network_for(mesh(8, 2), 4, 4);  // 8 nodes cross 2 links: 0.25 is the limit
    for (const auto& [offered, unstable] : {std::pair{0.2, false}, {0.24, false}, {0.26, true}, {0.3, true}}) {
        for (const std::uint64_t cycles : {1, 5000, 20000, 60000}) {
            INFO("offered " << offered << ", measured for " << cycles);
            TrafficLoad load = load_of("bit_complement", 4, offered);
            load.warmup_cycles = 5000;
            load.measured_cycles = cycles;
            load.drain_cycles = 20000;
            const TrafficPoint point = run_traffic(network, load);
            CHECK(point.unstable == unstable);
            CHECK(point.arrived_of_watched <= 0.2505);
            if (!unstable) CHECK(point.arrived_of_watched == Approx(offered).epsilon(0.03));
        }
    }
}
