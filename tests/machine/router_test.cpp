// SPDX-License-Identifier: Apache-2.0
// Routers in closed form: what a packet takes through an empty network, what one virtual channel and its credits let
// through, and that nothing is lost or stuck when everybody sends as much as they can.
#include "sim/noc/fabric.h"
#include "sim/noc/network.h"
#include "sim/probe/traffic_run.h"
#include "sim/probe/transfers_run.h"
#include "tests/machine/routers.h"

#include <catch2/catch.hpp>

#include <numeric>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

TrafficLoad shift(int flits, double offered) {
    TrafficLoad load;
    load.pattern.name = "neighbour";
    load.packet_flits = flits;
    load.offered = offered;
    load.warmup_cycles = 2000;
    load.measured_cycles = 8000;
    load.drain_cycles = 0;
    return load;
}

}  // namespace

TEST_CASE("through an empty network: the pipeline of every router, every link, both ports, and the flits once") {
    const double pipeline = 3, link = 1;
    for (const std::uint64_t flits : {1, 4, 16}) {
        for (const int hops : {0, 1, 3, 7}) {
            INFO(flits << " flits over " << hops << " links");
            const double expected = 2 * link + (hops + 1) * pipeline + hops * link + static_cast<double>(flits);
            CHECK(arrival_ns(routers(line(8), 4, 32, flits), 0, hops, flits) == Approx(expected));
        }
    }
}

TEST_CASE("the latency of an empty network is the one that credits and acknowledgements take") {
    for (const bool port : {false, true}) {
        const NetworkConfig network = routers(mesh(3, 4), 2, 8, 1, port);
        const Topology topology(network);
        for (int to = 1; to < topology.pes(); ++to) {
            const Picoseconds head = head_latency(network, topology, topology.route(0, to));
            CHECK(arrival_ns(network, 0, to, 1) == Approx(to_nanoseconds(head) + cycle_ns));
        }
    }
}

TEST_CASE("one virtual channel loses a cycle per packet to its allocation, several lose nothing") {
    for (const int flits : {1, 4, 16}) {
        INFO(flits << " flits");
        const double alone = run_traffic(routers(line(8), 1, 64, 64), shift(flits, 1.0)).accepted;
        CHECK(alone == Approx(flits / (flits + 1.0)).epsilon(0.02));
        const double several = run_traffic(routers(line(8), 4, 64, 64), shift(flits, 1.0)).accepted;
        CHECK(several > 0.97);
    }
}

TEST_CASE("a channel moves one buffer per round trip of its credits") {
    // Traversal, link, channel and switch allocation there; link and credit back.
    const double round_trip = 6;
    for (const int buffer : {1, 2, 3}) {
        INFO(buffer << " flits of buffer");
        const double accepted =
            run_traffic(routers(line(8), 1, static_cast<std::uint64_t>(buffer), 1), shift(1, 1.0)).accepted;
        // The port's round trip is a cycle shorter, so the links between routers decide.
        CHECK(accepted == Approx(std::min(buffer / round_trip, 0.5)).epsilon(0.01));
    }
}

TEST_CASE("a port moves one buffer per round trip of its credits, which is a cycle less than between routers") {
    // Link, channel and switch allocation there; the stage of the PE's side, link and credit back.
    const double round_trip = 5;
    for (const int buffer : {1, 2}) {
        INFO(buffer << " flits of buffer");
        NetworkConfig network = routers(line(8), 1, 64, 1);
        network.port->buffer = Bytes(flit * static_cast<std::uint64_t>(buffer));
        CHECK(run_traffic(network, shift(1, 1.0)).accepted == Approx(buffer / round_trip).epsilon(0.01));
    }
}

TEST_CASE("the port into the network has that round trip of its own, whatever the ports out of it do") {
    // Two flits that leave PE 3 on either side have nothing in common but its port, which holds one of them.
    NetworkConfig network = routers(line(8), 1, 64, 1);
    network.port->buffer = Bytes(flit);
    const TransfersResult result =
        run_transfers(network, {{3, 2, Bytes(flit), Picoseconds()}, {3, 4, Bytes(flit), Picoseconds()}});
    const double alone = arrival_ns(network, 3, 4, 1);
    CHECK(to_nanoseconds(result.times[0].arrived) == alone);
    CHECK(to_nanoseconds(result.times[1].arrived) == alone + 5);
}

TEST_CASE("a short packet is not held up by a long one of another channel") {
    // Both cross the link from 1 to 2; the long one is on it when the short one comes.
    const std::uint64_t length = 400;
    const auto end_of_short = [&](int channels) {
        const NetworkConfig network = routers(line(4), channels, 1000, length);
        const TransfersResult result = run_transfers(network, {{0, 3, Bytes(flit * length), Picoseconds()},
                                                               {1, 2, Bytes(flit), from_nanoseconds(50 * cycle_ns)}});
        return to_nanoseconds(result.times[1].arrived - result.times[1].begun);
    };
    const double alone = arrival_ns(routers(line(4), 2, 1000, 1), 1, 2, 1);
    CHECK(end_of_short(2) <= alone + 2 * cycle_ns);
    CHECK(end_of_short(1) > 300 * cycle_ns);
}

TEST_CASE("a packet longer than its buffers spans several routers and blocks what it holds") {
    // Two packets to PE 7; the second waits for the port, and with it all it has reached so far.
    const std::uint64_t length = 64, buffer = 8;
    const NetworkConfig network = routers(line(8), 1, buffer, length);
    const TransfersResult result = run_transfers(network, {{6, 7, Bytes(flit * length), Picoseconds()},
                                                           {0, 7, Bytes(flit * length), Picoseconds()},
                                                           {1, 2, Bytes(flit), from_nanoseconds(40 * cycle_ns)}});
    // Behind the blocked one on its link: it waits for the packet before it to leave PE 7's router.
    CHECK(result.times[2].arrived > from_nanoseconds(static_cast<double>(length) * cycle_ns));
    CHECK(result.times[1].arrived >= result.times[0].arrived + from_nanoseconds(static_cast<double>(length)));
}

TEST_CASE("a packet that shares its output leaves its buffer turn by turn, and so does its room come back") {
    // At router 1 two packets of 16 and 64 flits take turns on the link to 2; two of 8 come behind, from 0, and fill
    // both channels' buffers of the link from 0. A third can begin when the first of those leaves, flit by flit.
    const std::uint64_t size = 8, first_sharer = 16, second_sharer = 64;
    const NetworkConfig network = routers(line(3), 2, size, second_sharer, false);
    const Topology topology(network);
    Fabric fabric(network, topology);
    struct Starts final : Recorder, StreamClient {
        void activity(const Activity& a) override { begins.push_back(to_nanoseconds(a.begin)); }
        void stream_left(Picoseconds) override {}
        void bytes_arrived(Stream&, Bytes, Picoseconds, bool) override {}
        std::vector<double> begins;
    } starts;
    const Route near = topology.route(1, 2), far = topology.route(0, 2);
    fabric.record(far[0].link, 0, &starts);
    std::array<Stream, 5> streams;
    const std::array<std::uint64_t, 5> flits{first_sharer, second_sharer, size, size, size};
    for (std::size_t i = 0; i < 5; ++i) {
        streams[i].route = i < 2 ? &near : &far;
        streams[i].size = Bytes(flit * flits[i]);
        streams[i].client = &starts;
        fabric.inject(streams[i], i == 1 ? TrafficClass::read_data : TrafficClass::message, Picoseconds());
    }
    fabric.run_until(from_nanoseconds(1000));
    // The sharers begin after their channel's allocation, flit about; the shorter is done after twice its length.
    const double channel_free = 1 + 2 * static_cast<double>(first_sharer) - 1;
    // Allocation takes a cycle, then the other's flit that is under way comes first.
    const double head = channel_free + 1 + 1;
    // The last flit goes when all before it and as many of the other's have gone; a sender at the link's rate from a
    // flit before the room for each is there needs 7 cycles less than the 14 that takes; link and credit back.
    const double room = head + (2.0 * (size - 1) - (size - 1)) + 1 + 1;
    REQUIRE(starts.begins.size() == 3);
    CHECK(starts.begins[0] == 1);
    CHECK(starts.begins[1] == 1 + size);
    CHECK(starts.begins[2] == room);
}

TEST_CASE("a transfer to the PE itself takes its router and its bytes' time, as traffic to itself does") {
    NetworkConfig network = routers(all_to_all(3), 4, 32, 64, false);
    const double router = 3;  // channel, switch, traversal
    for (const std::uint64_t flits : {1, 7, 64, 1000}) {
        CHECK(arrival_ns(network, 1, 1, flits) == router + static_cast<double>(flits) * cycle_ns);
        TrafficLoad load;
        load.pattern.name = "bit_complement";  // node 1 sends to itself, nodes 0 and 2 to each other
        load.pattern.seed = 1;
        load.packet_flits = static_cast<int>(flits);
        load.outstanding = 1;
        load.warmup_cycles = 0;
        load.measured_cycles = 20 * (flits + 20);
        // All three wait for one packet at a time; those between two nodes cross a link and two routers.
        const double to_self = router + static_cast<double>(flits), to_other = to_self + 1 + router;
        const double measured = run_traffic(network, load).mean_latency;
        CHECK(measured > to_self);
        CHECK(measured < to_other + 0.5);
    }
    // With a port it goes in and out through that.
    CHECK(arrival_ns(routers(line(3), 4, 32, 64), 1, 1, 7) == 2 * 1 + router + 7);
    // Twice as slow a link: twice the bytes' time.
    network.link.rate = Rate::gbytes_per_s(flit / cycle_ns / 2);
    CHECK(arrival_ns(network, 1, 1, 7) == router + 2 * 7);
}

TEST_CASE("rings and tori neither lose packets nor block themselves when everybody sends as much as they can") {
    for (const GridConfig& grid : {ring(4), ring(5), ring(8), torus(4, 4), torus(3, 5)}) {
        for (const std::uint64_t flits : {1, 3, 12}) {
            for (const std::uint64_t buffer : {1, 4, 16}) {
                INFO(text_of(grid) << ", " << flits << " flits, buffers of " << buffer);
                std::vector<ListedTransfer> transfers;
                const int n = grid.nodes();
                std::uint64_t bytes = 0;
                for (int round = 0; round < 40; ++round) {
                    for (int source = 0; source < n; ++source) {
                        const int to = (source + 1 + (round * 7 + source) % (n - 1)) % n;
                        transfers.push_back({source, to, Bytes(flit * flits), Picoseconds()});
                    }
                }
                const NetworkConfig network = routers(grid, 2, buffer, flits);
                const Topology topology(network);
                for (const auto& t : transfers)
                    bytes += t.bytes.value() * topology.route(t.source, t.destination).size();
                const TransfersResult result = run_transfers(network, transfers);  // fails if any does not arrive
                std::uint64_t moved = 0;
                for (const Bytes link : result.link_bytes) {
                    moved += link.value();
                    CHECK(static_cast<double>(link.value()) <= to_nanoseconds(result.end) * flit / cycle_ns);
                }
                CHECK(moved == bytes);
            }
        }
    }
}

TEST_CASE("traffic arrives as offered below saturation, and the loads of all links are the routes' own") {
    TrafficLoad load;
    load.pattern.name = "transpose";
    load.offered = 0.1;
    load.packet_flits = 2;
    load.measured_cycles = 40000;
    const NetworkConfig network = routers(mesh(4, 4), 4, 8, 2);
    const TrafficPoint point = run_traffic(network, load);
    CHECK_FALSE(point.unstable);
    CHECK(point.accepted == Approx(load.offered).epsilon(0.05));
    const Topology topology(network);
    std::vector<double> expected(topology.links().size(), 0.0);
    const auto destination_of = destinations_of(load.pattern, topology);
    for (int pe = 0; pe < topology.pes(); ++pe) {
        for (const Hop& hop : topology.route(pe, destination_of(pe, 0))) expected[hop.link] += load.offered;
    }
    for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(point.link_loads[i] == Approx(expected[i]).epsilon(0.15).margin(1e-9));
}

TEST_CASE("a closed loop keeps as many packets under way as it may, and no load is too much for it") {
    TrafficLoad load = shift(1, 0.0);
    const NetworkConfig network = routers(ring(8), 4, 32, 1);
    for (const int outstanding : {1, 2, 5}) {
        load.outstanding = outstanding;
        load.drain_cycles = 1000;
        const TrafficPoint point = run_traffic(network, load);
        // Nobody meets anybody: each packet takes the empty network's time, then the next begins.
        const double latency = 2 * 1 + 2 * 3 + 1 + 1;
        CHECK(point.mean_latency == Approx(latency).margin(outstanding));
        CHECK(point.accepted == Approx(outstanding / point.mean_latency).epsilon(0.02));
        CHECK_FALSE(point.unstable);
    }
}
