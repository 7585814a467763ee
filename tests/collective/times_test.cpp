// SPDX-License-Identifier: Apache-2.0
// Times that can be worked out by hand: bytes over rates on machines without latencies, and every cost of a call, a
// hop, a packet and a worker one at a time.
#include "sim/collective/execution.h"
#include "tests/collective/plain_network.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::collective;

namespace {

constexpr std::uint64_t part_bytes = 1 << 20;
constexpr double rate = 10.0;  // GB/s of a link

struct Bench {
    CollectiveConfig config;
    noc::NetworkConfig network;
    Rate memory = Rate::gbytes_per_s(1e6);
    Chips chips;

    Bench(int n, bool ring) : network(collective_test::plain_network(n, ring, rate)), chips{n, ring} {}
    Execution run(Operation operation, Algorithm algorithm, std::uint64_t part = part_bytes,
                  std::uint64_t pieces = usual_pieces) const {
        const Schedule schedule =
            schedule_of(operation, algorithm, chips, part * static_cast<std::uint64_t>(chips.n));
        return execute(schedule, 1, {config, network, memory}, pieces);
    }
    double us(Operation operation, Algorithm algorithm, std::uint64_t part = part_bytes) const {
        return to_nanoseconds(run(operation, algorithm, part).time) / 1000.0;
    }
};

double us_of(double bytes) { return bytes / rate / 1000.0; }
constexpr double part = part_bytes;

}  // namespace

TEST_CASE("without latencies a line's collectives take the bytes of its busiest link over its rate") {
    for (const int n : {2, 3, 4, 8}) {
        const Bench line(n, false);
        CAPTURE(n);
        const double others = us_of((n - 1) * part);
        CHECK(line.us(Operation::all_gather, Algorithm::multicast) == Approx(others).epsilon(0.02));
        CHECK(line.us(Operation::all_gather, Algorithm::one_shot) >= others);
        CHECK(line.us(Operation::reduce_scatter, Algorithm::relay) == Approx(others).epsilon(0.02));
        CHECK(line.us(Operation::all_to_all, Algorithm::one_shot) ==
              Approx(us_of((n / 2) * ((n + 1) / 2) * part)).epsilon(n > 3 ? 0.1 : 0.02));
    }
}

TEST_CASE("without latencies a ring takes half of a line's time") {
    for (const int n : {3, 4, 8}) {
        Bench ring(n, true);
        ring.config.copy_signals = 64;
        CAPTURE(n);
        const double half = us_of((n - 1) * part / 2);
        CHECK(ring.us(Operation::all_gather, Algorithm::multicast) == Approx(half).epsilon(0.02));
        CHECK(ring.us(Operation::all_gather, Algorithm::relay) == Approx(half).epsilon(0.03));
        CHECK(ring.us(Operation::reduce_scatter, Algorithm::relay) == Approx(half).epsilon(0.03));
    }
}

TEST_CASE("parts of many TiB take their bytes over the rate as small ones do") {
    const std::uint64_t tib = std::uint64_t{1} << 40;
    const Bench line(2, false);
    for (const Algorithm algorithm : {Algorithm::multicast, Algorithm::relay}) {
        const Execution done = line.run(Operation::all_gather, algorithm, 8 * tib);
        CHECK(to_nanoseconds(done.time) / 1000.0 == Approx(us_of(8.0 * static_cast<double>(tib))).epsilon(0.02));
        CHECK(done.link_bytes[0] == Bytes(8 * tib));
    }
}

TEST_CASE("a collective that no 64 bits of picoseconds can count is refused") {
    Bench line(8, false);
    line.network.link.rate = Rate::gbytes_per_s(0.001);
    CHECK_THROWS_WITH(line.run(Operation::all_to_all, Algorithm::one_shot, std::uint64_t{1} << 41),
                      Catch::Contains("all_to_all takes longer than a run may"));
}

TEST_CASE("a finer look changes nothing: pieces and packets of rows") {
    Bench line(8, false);
    line.network.link.latency = from_nanoseconds(711);
    line.config.relay = from_nanoseconds(2000);
    line.config.worker = Rate::gbytes_per_s(6);
    for (const auto& [operation, algorithm] :
         std::vector<std::pair<Operation, Algorithm>>{{Operation::all_gather, Algorithm::multicast},
                                                      {Operation::reduce_scatter, Algorithm::relay},
                                                      {Operation::all_to_all, Algorithm::one_shot}}) {
        CAPTURE(name_of(operation));
        const double usual = to_nanoseconds(line.run(operation, algorithm, 1 << 22).time);
        const double finer = to_nanoseconds(line.run(operation, algorithm, 1 << 22, 4096).time);
        CHECK(usual == Approx(finer).epsilon(0.01));
    }
}

TEST_CASE("copies that are told of more often than a row has pieces are followed in those") {
    Bench line(4, false);
    const auto signalled = [&](std::uint64_t times) {
        line.config.copy_signals = times;
        return line.run(Operation::all_gather, Algorithm::relay);
    };
    const Execution most = signalled(usual_pieces), more = signalled(std::uint64_t{1} << 20);
    CHECK(most.transfers == 12 * usual_pieces);  // of each part over three links
    CHECK(more.transfers == most.transfers);
    CHECK(more.time == most.time);
    CHECK(signalled(usual_pieces / 2).transfers == most.transfers / 2);
}

TEST_CASE(
    "a call of hardly any bytes takes its parts: connection, barrier, hops, what routers and workers need, exit") {
    Bench line(4, false);
    line.network.link.latency = from_nanoseconds(700);
    line.config.calls[0] = line.config.calls[1] =
        line.config.calls[2] = {from_nanoseconds(3000), from_nanoseconds(500)};
    const double byte_us = 2e-4;  // one or two bytes on each hop
    const auto floor = [](double hops_us) { return 3.0 + 0.5 + hops_us; };
    // The end of the line has heard of the other end after three hops; its byte needs three more.
    CHECK(line.us(Operation::all_gather, Algorithm::multicast, 1) == Approx(floor(6 * 0.7)).margin(8 * byte_us));
    line.config.multicast = from_nanoseconds(100);  // at the two routers between
    CHECK(line.us(Operation::all_gather, Algorithm::multicast, 1) ==
          Approx(floor(6 * 0.7 + 0.2)).margin(8 * byte_us));
    line.config.relay = from_nanoseconds(2000);  // at every worker that adds, the last one too
    CHECK(line.us(Operation::reduce_scatter, Algorithm::relay, 1) == Approx(floor(6 * 0.7 + 6)).margin(8 * byte_us));
    line.config.destination = from_nanoseconds(1000);  // three of the first chip, one after the other
    CHECK(line.us(Operation::all_to_all, Algorithm::one_shot, 1) == Approx(floor(6 * 0.7 + 3)).margin(8 * byte_us));
    line.config.barrier = false;
    CHECK(line.us(Operation::all_gather, Algorithm::multicast, 1) ==
          Approx(floor(3 * 0.7 + 0.2)).margin(8 * byte_us));
}

TEST_CASE("a ring hears of the farthest chip after half of its hops") {
    Bench ring(8, true);
    ring.network.link.latency = from_nanoseconds(700);
    ring.config.relay = from_nanoseconds(2000);
    // Four hops of barrier, four of data with three workers between.
    CHECK(ring.us(Operation::all_gather, Algorithm::relay, 1) == Approx(8 * 0.7 + 3 * 2.0).margin(2e-3));
}

TEST_CASE("one worker feeds a link at its own rate; what passes through routers goes at the link's") {
    Bench pair(2, false);
    pair.config.worker = Rate::gbytes_per_s(5);
    CHECK(pair.us(Operation::all_gather, Algorithm::multicast) == Approx(us_of(2 * part)).epsilon(0.01));
    // With four chips the busiest link carries two parts that pass and one that a worker brings: it is full.
    Bench four(4, false);
    four.config.worker = Rate::gbytes_per_s(6);
    CHECK(four.us(Operation::all_gather, Algorithm::multicast) == Approx(us_of(3 * part)).epsilon(0.02));
    // More workers from a size on.
    pair.config.workers = {{Bytes(), 1}, {Bytes(part_bytes), 2}};
    CHECK(pair.us(Operation::all_gather, Algorithm::multicast) == Approx(us_of(part)).epsilon(0.01));
    CHECK(pair.us(Operation::all_gather, Algorithm::multicast, part_bytes - 1) ==
          Approx(us_of(2 * part)).epsilon(0.01));
    // A worker for each destination, or one for all of them.
    four.config.worker_per_destination = Bytes(part_bytes);
    CHECK(four.us(Operation::all_to_all, Algorithm::one_shot) == Approx(us_of(4 * part)).epsilon(0.03));
    CHECK(four.us(Operation::all_to_all, Algorithm::one_shot, part_bytes - 1) ==
          Approx(us_of(3 * part * rate / 6)).epsilon(0.03));
}

TEST_CASE("a packet's header and frames take a link's time, and so does the router's work for it") {
    Bench pair(2, false);
    pair.config.packet.payload = Bytes(6144);
    pair.config.packet.header = Bytes(48);
    pair.config.packet.frame = Bytes(1500);
    pair.config.packet.frame_overhead = Bytes(50);
    const double wire = 6144 + 48 + 5 * 50;
    CHECK(pair.config.packet.on_wire(Bytes(6144)) == Bytes(6144 + 48 + 5 * 50));
    CHECK(payload_rate(pair.config, pair.network, false).gbytes_per_s() == Approx(rate * 6144 / wire));
    CHECK(pair.us(Operation::all_gather, Algorithm::multicast) == Approx(us_of(part * wire / 6144)).epsilon(0.01));
    pair.config.packet.router = from_nanoseconds(100);
    pair.config.packet.ring = from_nanoseconds(50);
    const double ns = wire / rate + 100;
    CHECK(pair.us(Operation::all_gather, Algorithm::multicast) == Approx(part / 6144 * ns / 1000).epsilon(0.01));
    CHECK(payload_rate(pair.config, pair.network, true).gbytes_per_s() == Approx(6144 / (ns + 50)));
}

TEST_CASE("parallel links share everything evenly") {
    Bench one(4, false), two(4, false);
    two.config.links = 2;
    two.network.link.rate = Rate::gbytes_per_s(2 * rate);
    one.config.worker = two.config.worker = Rate::gbytes_per_s(6);
    CHECK(two.us(Operation::all_gather, Algorithm::multicast) ==
          Approx(one.us(Operation::all_gather, Algorithm::multicast) / 2).epsilon(0.01));
    const Execution done = two.run(Operation::all_gather, Algorithm::multicast);
    std::uint64_t most = 0;
    for (const Bytes bytes : done.link_bytes) most = std::max(most, bytes.value());
    CHECK(most == 3 * part_bytes);
}

TEST_CASE("the part that stays is added at the rate of those who add, chunk by chunk") {
    Bench pair(2, false);
    pair.config.finish = Rate::gbytes_per_s(4);
    CHECK(pair.us(Operation::reduce_scatter, Algorithm::relay) == Approx(part / 4 / 1000).epsilon(0.01));
    pair.config.chunk = Bytes(16384);
    pair.config.chunk_time = from_nanoseconds(1000);
    const double chunks_us = part / 16384;  // a microsecond each
    CHECK(pair.us(Operation::reduce_scatter, Algorithm::relay) == Approx(part / 4 / 1000 + chunks_us).epsilon(0.01));
    pair.config.line_reduce_workers = {{Bytes(), 4}};
    CHECK(pair.us(Operation::reduce_scatter, Algorithm::relay) ==
          Approx(part / 4 / 1000 + chunks_us / 4).epsilon(0.01));
}

TEST_CASE("memory that is slower than all links decides") {
    Bench line(4, false);
    line.memory = Rate::gbytes_per_s(1);
    // An inner chip: its own part twice, two rows out, three parts in.
    CHECK(line.us(Operation::all_gather, Algorithm::multicast) == Approx(7 * part / 1000).epsilon(1e-6));
}

TEST_CASE("links report what the table says they carry, and are not busy for longer than that takes") {
    for (const auto& [operation, algorithm] :
         std::vector<std::pair<Operation, Algorithm>>{{Operation::all_gather, Algorithm::multicast},
                                                      {Operation::reduce_scatter, Algorithm::relay},
                                                      {Operation::all_to_all, Algorithm::one_shot}})
        for (const bool ring : {false, true}) {
            const Bench bench(5, ring);
            const Schedule schedule = schedule_of(operation, algorithm, bench.chips, 5 * part_bytes);
            const Execution done = bench.run(operation, algorithm);
            const noc::Topology topology(bench.network);
            for (std::size_t i = 0; i < topology.links().size(); ++i) {
                const noc::LinkSpec& link = topology.links()[i];
                const int direction = (link.from + 1) % 5 == link.to ? 1 : -1;
                CAPTURE(name_of(operation), ring, link.name);
                CHECK(done.link_bytes[i].value() == elements_on_link(schedule, link.from, direction));
                CHECK(to_nanoseconds(done.link_busy[i]) ==
                      Approx(static_cast<double>(done.link_bytes[i].value()) / rate).epsilon(0.001));
            }
        }
}

TEST_CASE("links report the table's bytes also where parallel links cannot share them evenly") {
    for (const std::uint64_t links : {3, 7})
        for (const Algorithm algorithm : {Algorithm::relay, Algorithm::one_shot}) {
            Bench ring(3, true);
            ring.config.links = links;
            const Operation operation =
                algorithm == Algorithm::relay ? Operation::reduce_scatter : Operation::all_to_all;
            Bytes sum;
            for (const Bytes bytes : ring.run(operation, algorithm, 128).link_bytes) sum += bytes;
            CAPTURE(links, name_of(operation));
            CHECK(sum == Bytes(768));
        }
}

TEST_CASE("slots hold up every algorithm: of all channels as many packets as they hold per round trip of credits") {
    const double packet_ns = 1024 / rate, credits_ns = 2000;
    for (const int channels : {2, 4})
        for (const std::uint64_t slots : {1, 2, 3, 16}) {
            CAPTURE(channels, slots);
            Bench pair(2, false);
            pair.network.link.latency = from_nanoseconds(credits_ns / 2);
            pair.network.router.virtual_channels = channels;
            pair.config.packet.slots = slots;
            const double room = static_cast<double>(channels) * static_cast<double>(slots);
            const auto us_with = [&](double round_trip_ns) {
                return std::max(us_of(part), part / 1024 / room * round_trip_ns / 1000);
            };
            CHECK(pair.us(Operation::all_gather, Algorithm::relay) == Approx(us_with(credits_ns)).epsilon(0.03));
            CHECK(pair.us(Operation::all_to_all, Algorithm::one_shot) == Approx(us_with(credits_ns)).epsilon(0.03));
            // What routers copy is there when all of it is.
            CHECK(pair.us(Operation::all_gather, Algorithm::multicast) ==
                  Approx(us_with(credits_ns + packet_ns)).epsilon(0.03));
        }
}
