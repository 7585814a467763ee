// SPDX-License-Identifier: Apache-2.0
// What routers do with a few packets, cycle by cycle by hand: tails, credits of long packets, who is given which
// channel, turns lost in the switch.
#include "sim/noc/fabric.h"
#include "tests/machine/routers.h"

#include <catch2/catch.hpp>

#include <array>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

// Without ports, links of 1 ns: from a flit's turn until the next router may give its packet's head a turn, from the
// end of its last turn until it has passed the last router.
constexpr double before_switch = 1, one_hop = 1 + 2, credit_return = 1 + 1, delivery = 1 + 2 + 3;

ListedTransfer flits(int from, int to, std::uint64_t count, double at_ns = 0) {
    return {from, to, Bytes(flit * count), from_nanoseconds(at_ns)};
}

std::vector<double> arrivals(const NetworkConfig& network, const std::vector<ListedTransfer>& transfers) {
    std::vector<double> list;
    for (const auto& times : run_transfers(network, transfers).times) list.push_back(to_nanoseconds(times.arrived));
    return list;
}

/// Wires of so many ns instead of 1.
NetworkConfig with_wires(NetworkConfig network, double ns) {
    network.link.latency = from_nanoseconds(ns);
    return network;
}

}  // namespace

TEST_CASE("a packet's tail is as late behind a long slow link as it entered that, though its head goes on faster") {
    // Two cubes of two PEs in a row; between them a quarter of the rate, and a wire longer than the packet.
    NetworkConfig network = routers(line(2), 1, 1000, 64, false);
    network.cubes = line(2);
    network.router = {};
    network.router.virtual_channels = 1;
    const double packet = 64, slow = 4 * packet, wire = 1000;
    network.die_to_die = {Rate::gbytes_per_s(flit / cycle_ns / 4), from_nanoseconds(wire), Bytes(flit * 1000)};
    network.connections_per_side = 1;
    CHECK(arrivals(network, {flits(0, 3, 64)})[0] == 1 + slow + wire + 1);
}

TEST_CASE("a packet of several buffers takes a round trip of credits for each but the last") {
    const double wire = 100;
    const std::uint64_t buffer = 16;
    const NetworkConfig network = with_wires(routers(line(3), 1, buffer, 1000, false), wire);
    const double more = wire - 1, round_trip = one_hop + more + credit_return + more;
    for (const std::uint64_t size : {20, 32, 33, 48, 64}) {
        CAPTURE(size);
        const std::uint64_t rounds = (size - 1) / buffer;
        // The head waits at each router, the flits behind it only for their turns. The last link's credits are as
        // long on their way as those of others.
        for (const int hops : {1, 2}) {
            const double tail_sent = (hops + 1) * before_switch + static_cast<double>(rounds) * round_trip +
                                     static_cast<double>(size - rounds * buffer);
            CHECK(arrivals(network, {flits(0, hops, size)})[0] ==
                  tail_sent + (hops - 1) * (one_hop + more) + delivery + more);
        }
    }
}

TEST_CASE("the last link of a way moves one buffer of each channel per round trip of its credits") {
    const double wire = 100, round_trip = one_hop + credit_return + 2 * (wire - 1);
    for (const int hops : {1, 2, 3}) {
        for (const int channels : {1, 4}) {
            for (const std::uint64_t buffer : {16, 32, 64, 512}) {
                CAPTURE(hops, channels, buffer);
                const NetworkConfig network = with_wires(routers(line(4), channels, buffer, 16, false), wire);
                const std::uint64_t count = 64 * 16;
                const double rate =
                    std::min(1.0, static_cast<double>(channels) * static_cast<double>(buffer) / round_trip);
                const double alone = arrivals(network, {flits(0, hops, 16)})[0] - 16;
                const double expected = alone + static_cast<double>(count) / rate;
                CHECK(arrivals(network, {flits(0, hops, count)})[0] == Approx(expected).epsilon(0.08));
            }
        }
    }
}

TEST_CASE("one channel moves one buffer per round trip wherever its link lies on the way, whole packets or not") {
    // The link from 1 to 2 has the wire; the one behind it is short, as fast, and has large buffers.
    const double wire = 400, round_trip = one_hop + credit_return + 2 * (wire - 1);
    for (const std::uint64_t buffer : {8, 16, 18, 24, 40}) {
        for (const std::uint64_t packet : {8, 16, 32}) {
            CAPTURE(buffer, packet);
            NetworkConfig network = with_wires(routers(line(2), 1, buffer, packet, false), wire);
            network.cubes = line(2);
            network.die_to_die = {network.link.rate, from_nanoseconds(1), Bytes(flit * 1000)};
            network.connections_per_side = 1;
            const std::uint64_t count = 40 * 32;
            const double alone = arrivals(network, {flits(0, 2, packet)})[0];
            CHECK(arrivals(network, {flits(0, 2, count)})[0] >=
                  alone + (static_cast<double>(count - packet) / static_cast<double>(buffer) - 2) * round_trip);
            CHECK(arrivals(network, {flits(0, 2, count)})[0] <=
                  alone + (static_cast<double>(count) / static_cast<double>(buffer) + 2) * round_trip);
        }
    }
}

TEST_CASE("a packet longer than the buffers behind and before a slow link arrives when its bytes have crossed that") {
    // Lines of four, joined by a link that is 32 times slower; no more than a quarter of a packet fits a buffer.
    NetworkConfig network = routers(line(4), 4, 16, 64, false);
    network.cubes = line(2);
    network.die_to_die = {Rate::gbytes_per_s(flit / cycle_ns / 32), from_nanoseconds(10), Bytes(flit * 64)};
    network.connections_per_side = 1;
    for (const int channels : {1, 2, 4}) {
        network.router.virtual_channels = channels;
        const double one = arrivals(network, {flits(7, 0, 64)})[0], ten = arrivals(network, {flits(7, 0, 640)})[0];
        CHECK(one >= 64 * 32);
        CHECK(one <= 64 * 32 + 100);
        CHECK(ten - one == Approx(9 * 64 * 32).epsilon(0.02));
    }
}

TEST_CASE("the tail of a packet that is slow further on leaves when a buffer's length before it has room") {
    // A packet of two buffers goes from PE 0 to PE 2, to which the buffer is large; PE 1 sends there, too. What PE 0
    // has for PE 1 goes after it.
    const double wire = 100, buffer = 16, size = 2 * buffer;
    const auto end_of_third = [&](int channels, std::uint64_t blocker) {
        NetworkConfig network = with_wires(routers(line(2), channels, 16, 1000, false), wire);
        network.cubes = line(2);
        network.die_to_die = network.link;
        network.die_to_die.buffer = Bytes(flit * 1000);
        network.connections_per_side = 1;
        return arrivals(network, {flits(1, 2, blocker), flits(0, 2, 32), flits(0, 1, 1)})[2];
    };
    const double more = wire - 1, allocation = 1, credit = credit_return + more, third = 1 + delivery + more;
    // The only channel to PE 2 is PE 1's for 200 flits; then nothing holds the packet up. Its second half goes when
    // the first flit's credit is back, and fills the buffer: the third one needs the credit of the first flit of
    // that.
    const double waited = before_switch + 200 + allocation;
    CHECK(end_of_third(1, 200) == waited + credit + one_hop + more + credit + third);
    // On a channel of its own it takes turns with PE 1's flits, of which one is under way when its head comes. Its
    // last flit leaves right after the credit of the one a buffer's length before.
    const double head = before_switch + one_hop + more + before_switch + 1;
    CHECK(end_of_third(2, 1000) == head + 2 * (size - buffer - 1) + 1 + credit + third);
}

TEST_CASE("what is still on the wire does not go on, though the link behind it is free") {
    // A packet of two buffers over a long wire, then over a link that takes eight times as long for a flit: the first
    // half has gone on before the second, sent when the credits of the first were back, is there.
    const double wire = 100, buffer = 16, slow = 8;
    NetworkConfig network = with_wires(routers(line(2), 1, 16, 32, false), wire);
    network.cubes = line(2);
    network.die_to_die = {Rate::gbytes_per_s(flit / cycle_ns / slow), from_nanoseconds(1), Bytes(flit * 1000)};
    network.connections_per_side = 1;
    const double more = wire - 1, head = before_switch + one_hop + more + before_switch;
    const double second_half = head + credit_return + more + one_hop + more;
    REQUIRE(second_half > head + buffer * slow);
    CHECK(arrivals(network, {flits(0, 2, 32)})[0] == second_half + buffer * slow + delivery);
}

TEST_CASE("a PE's packets that share the one channel of a link are a cycle apart, for its allocation") {
    const NetworkConfig network = routers(line(2), 1, 64, 4, false);
    for (const std::uint64_t packets : {1, 2, 10})
        CHECK(arrival_ns(network, 0, 1, 4 * packets) ==
              before_switch + static_cast<double>(4 * packets + packets - 1) + delivery);
}

TEST_CASE("channels are given in turn: a packet does not get one whose credits are still on their way") {
    // The first packet has filled a buffer of the link from 1 to 2, and its credits take two wires to come back.
    const double wire = 100, second = 50;
    const NetworkConfig network = with_wires(routers(line(4), 2, 16, 16, false), wire);
    const double alone = arrivals(network, {flits(0, 3, 16)})[0];
    CHECK(alone == before_switch + 2 * (one_hop + wire - 1 + before_switch) + 16 + delivery + wire - 1);
    CHECK(arrivals(network, {flits(0, 3, 16), flits(0, 3, 16, second)}) == std::vector{alone, second + alone});
}

TEST_CASE("a flit's turn is lost to another output's choice of the same input, as often as that has no other") {
    // On a grid of 2 x 3 PE 0 sends to PE 2 and then, through router 1 as well, to PE 4. The first packet still waits
    // in router 1: on the link to PE 2 it takes turns with one that PE 1 sends.
    const NetworkConfig network = routers(mesh(2, 3), 4, 64, 1000, false);
    const double first = 32, second = 16;
    const std::vector<double> times = arrivals(network, {flits(1, 2, 100), flits(0, 2, 32), flits(0, 4, 16)});
    REQUIRE(times[1] > before_switch + 2 * first);
    // Of two inputs the other output chooses this one every second time, and only for the first three flits can the
    // choices fall together: one turn and a half are lost, of which one is whole by now.
    CHECK(network.router.allocation_conflicts == 3);
    CHECK(times[2] == before_switch + first + one_hop + before_switch + second + 1 + delivery);
}

TEST_CASE("a PE's packet begins on a channel that has room, not on one that is merely free") {
    // On a grid of 2 x 3 PE 1 has both channels to PE 2, so that the first packet of PE 0 stays in router 1 and fills
    // a buffer. The second ends at PE 1; the third, to PE 4, follows it on the same channel.
    const NetworkConfig network = routers(mesh(2, 3), 2, 16, 1000, false);
    const Topology topology(network);
    Fabric fabric(network, topology);
    struct Ends final : StreamClient {
        void stream_left(Picoseconds) override {}
        void bytes_arrived(Stream& stream, Bytes, Picoseconds when, bool) override {
            times.at(stream.tag) = to_nanoseconds(when);
        }
        std::array<double, 5> times{};
    } ends;
    struct Sent {
        int from, to;
        std::uint64_t flits;
        TrafficClass traffic;
    };
    const std::array<Sent, 5> sent{{{1, 2, 200, TrafficClass::message},
                                    {1, 2, 200, TrafficClass::read_data},
                                    {0, 2, 16, TrafficClass::message},
                                    {0, 1, 16, TrafficClass::message},
                                    {0, 4, 16, TrafficClass::message}}};
    std::array<Route, 5> routes;
    std::array<Stream, 5> streams;
    for (std::size_t i = 0; i < 5; ++i) {
        routes[i] = topology.route(sent[i].from, sent[i].to);
        streams[i].route = &routes[i];
        streams[i].size = Bytes(flit * sent[i].flits);
        streams[i].client = &ends;
        streams[i].tag = i;
        fabric.inject(streams[i], sent[i].traffic, Picoseconds());
    }
    fabric.run_until(from_nanoseconds(1000));
    const double allocation = 1, second_sent = before_switch + 16 + 16;
    CHECK(ends.times[3] == second_sent + delivery);
    CHECK(ends.times[4] == second_sent + allocation + one_hop + before_switch + 16 + delivery);
    CHECK(ends.times[2] > 2 * 200);
}
