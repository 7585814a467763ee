// SPDX-License-Identifier: Apache-2.0
// The network in time: latency, serialisation, cut-through, turns, back pressure. Messages on a quiet line of PEs
// whose packets and latencies are round numbers.
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

constexpr double router_ns = 5, wire_ns = 20, packet_ns = 256;  // packets of 256 bytes
constexpr std::int64_t packet_elements = 64;                    // f32

/// The counting line with latencies, links of 1 byte per ns, buffers of `packets` packets and enough receive buffer.
machine::MachineConfig slow_line(int packets = 64, const Change& change = {}) {
    return counting_line([&](Json& json) {
        json["network"]["router"] = {{"cycle_ns", router_ns},     {"route_cycles", 0},
                                     {"vc_allocation_cycles", 0}, {"switch_allocation_cycles", 0},
                                     {"traversal_cycles", 1},     {"credit_cycles", 0},
                                     {"virtual_channels", 1}};
        json["network"]["link"]["latency_ns"] = wire_ns;
        json["network"]["link"]["buffer_bytes"] = packets * 256;
        json["pe"]["vector"]["lanes"] = 1 << 30;
        json["pe"]["vector"]["cycles_per_element"] = {{"fill", 1e-9}};  // tiles to send are there at once (1 ps)
        if (change) change(json);
    });
}

/// From a packet's head at the source router to its head at the destination.
double head_ns(int hops) { return router_ns + hops * (wire_ns + router_ns); }

/// One message of so many packets from PE `from` to PE `to`.
struct Transfer {
    int from = 0, to = 0;
    std::int64_t packets = 1;
    double arrival = -1.0;
};

/// Runs them all at once and notes when each has arrived. Receives are posted in the order of the list.
machine::Outcome run_transfers(const machine::MachineConfig& config, std::vector<Transfer>& transfers,
                               machine::SimulationOptions options = {}) {
    Kernels kernels;
    for (int pe = 0; pe < config.pes(); ++pe) {
        kernels[pe] = [&transfers, pe](tl::Context& tl) {
            for (const Transfer& transfer : transfers) {
                if (transfer.from == pe) tl.send(transfer.to, tl.zeros({transfer.packets * packet_elements}));
            }
            std::vector<std::pair<Transfer*, Tile>> received;
            for (Transfer& transfer : transfers) {
                if (transfer.to != pe) continue;
                received.emplace_back(&transfer,
                                      tl.recv(transfer.from, {transfer.packets * packet_elements}, Dtype::f32));
            }
            for (auto& [transfer, tile] : received) transfer->arrival = ready_ns(tl, tile);
        };
    }
    return run_kernels(config, kernels, ValueMode::none, options);
}

double arrival(const machine::MachineConfig& config, Transfer transfer) {
    std::vector<Transfer> one{transfer};
    run_transfers(config, one);
    return one[0].arrival;
}

const machine::Totals& totals_of(const machine::Outcome& outcome, const std::string& path) {
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        if (outcome.components[i].path == path) return outcome.totals[i];
    }
    throw std::runtime_error("no component " + path);
}

constexpr double instant_ns = 0.002;  // tiles that are made in 1 ps, and rounding

}  // namespace

TEST_CASE("one packet takes router and wire per hop and its serialisation once") {
    for (int hops = 1; hops < 8; ++hops)
        CHECK(arrival(slow_line(), {0, hops, 1}) == Approx(head_ns(hops) + packet_ns).margin(instant_ns));
}

TEST_CASE("a message of many packets is cut through: its hops add latency, not serialisation") {
    const std::int64_t packets = 40;
    for (const int hops : {1, 3, 7}) {
        CHECK(arrival(slow_line(), {0, hops, packets}) ==
              Approx(head_ns(hops) + static_cast<double>(packets) * packet_ns).margin(instant_ns));
    }
}

TEST_CASE("the slowest link on the way sets the pace") {
    // Two cubes of three PEs; the links between them are four times slower.
    const auto config = slow_line(64, [](Json& json) {
        json["cube"]["cols"] = 3;
        json["cubes"] = {{"topology", "line"}, {"cols", 2}};
        json["network"]["die_to_die"] = {
            {"connections_per_side", 1}, {"gbytes_per_s", 0.25}, {"latency_ns", wire_ns}, {"buffer_bytes", 1 << 20}};
    });
    const std::int64_t packets = 20;
    // Before the slow link packets wait for it; behind it they follow as they come, the last one's tail included.
    CHECK(arrival(config, {0, 5, packets}) ==
          Approx(head_ns(5) + static_cast<double>(packets) * packet_ns * 4).margin(instant_ns));
}

TEST_CASE("a buffer before a slower link holds no more than it has room for") {
    for (const int buffer : {1, 2, 4}) {
        const auto config = slow_line(buffer, [](Json& json) {
            json["cube"]["cols"] = 3;
            json["cubes"] = {{"topology", "line"}, {"cols", 2}};
            json["network"]["die_to_die"] = {{"connections_per_side", 1},
                                             {"gbytes_per_s", 0.25},
                                             {"latency_ns", wire_ns},
                                             {"buffer_bytes", 1 << 20}};
        });
        std::vector<Transfer> one{{0, 5, 20}};
        const machine::Outcome outcome = run_transfers(config, one);
        // When the last packet has left PE 0, all but those that two buffers hold have gone over the slow link.
        const double left = to_nanoseconds(totals_of(outcome, "machine.cube0.pe0_to_pe1").last_end);
        CHECK(left > (20 - 2 * buffer) * 4 * packet_ns - 2 * packet_ns);
        CHECK(left < (20 - 2 * buffer) * 4 * packet_ns + 2 * packet_ns + head_ns(3));
    }
}

TEST_CASE("a second packet on the same link waits for the first") {
    // PE 0 and PE 1 both send one packet to PE 2; the one from PE 1 is there first.
    std::vector<Transfer> both{{0, 2, 1}, {1, 2, 1}};
    run_transfers(slow_line(), both);
    CHECK(both[1].arrival <= both[0].arrival);
    // PE 0's head reaches router 1 after head_ns(1), while PE 1's packet occupies the link until router + packet.
    const double link_free = router_ns + packet_ns;
    REQUIRE(head_ns(1) < link_free);
    CHECK(both[0].arrival == Approx(link_free + packet_ns + wire_ns + router_ns).margin(instant_ns));
}

TEST_CASE("packets to different links do not wait for each other") {
    std::vector<Transfer> apart{{1, 0, 4}, {1, 2, 4}, {3, 2, 4}};
    run_transfers(slow_line(), apart);
    for (const Transfer& transfer : apart)
        CHECK(transfer.arrival == Approx(head_ns(1) + 4 * packet_ns).margin(instant_ns));
}

TEST_CASE("two senders into one link take turns, packet by packet") {
    const std::int64_t packets = 50;
    // Either receive first: the messages end within a packet of each other, after the time of both.
    for (const bool swapped : {false, true}) {
        std::vector<Transfer> both{{0, 2, packets}, {1, 2, packets}};
        if (swapped) std::swap(both[0], both[1]);
        run_transfers(slow_line(), both);
        const double time_of_both = 2 * static_cast<double>(packets) * packet_ns;
        for (const Transfer& transfer : both) {
            CHECK(transfer.arrival > time_of_both - packet_ns);
            CHECK(transfer.arrival < time_of_both + packet_ns + head_ns(2));
        }
    }
}

TEST_CASE("a full buffer blocks the link before it, and nothing is lost") {
    const std::int64_t packets = 60;
    const auto run = [&](int buffer) {
        std::vector<Transfer> both{{0, 3, packets}, {2, 3, packets}};
        const machine::Outcome outcome = run_transfers(slow_line(buffer), both);
        const auto bytes = Bytes(static_cast<std::uint64_t>(packets) * 256);
        CHECK(totals_of(outcome, "machine.cube0.pe0_to_pe1").bytes == bytes);
        CHECK(totals_of(outcome, "machine.cube0.pe1_to_pe2").bytes == bytes);
        CHECK(totals_of(outcome, "machine.cube0.pe2_to_pe3").bytes == bytes + bytes);
        CHECK(outcome.received == bytes + bytes);
        CHECK(outcome.sent == outcome.received);
        return to_nanoseconds(totals_of(outcome, "machine.cube0.pe0_to_pe1").last_end);
    };
    const double alone = static_cast<double>(packets) * packet_ns;
    // Buffers for everything: the first link never notices. Buffers for two packets: it goes at half its rate, since
    // only the few packets in the buffers are ahead of the shared link.
    CHECK(run(64) == Approx(alone).margin(instant_ns));
    const int buffer = 2;
    CHECK(run(buffer) > 2 * alone - (2 * buffer + 2) * 2 * packet_ns);
    CHECK(run(buffer) < 2 * alone + head_ns(3));
}

TEST_CASE(
    "buffers that cover the round trip of credits keep a link at its rate, smaller ones give a buffer per trip") {
    // A flit's room comes back when it has gone over the wire, passed the router, and its credit has come back.
    constexpr double flit_ns = 16, round_trip = wire_ns + router_ns + wire_ns;
    const std::int64_t packets = 40;
    const auto with_flits = [&](int flits) {
        return slow_line(1, [&](Json& json) {
            json["network"]["flit_bytes"] = static_cast<int>(flit_ns);
            json["network"]["link"]["buffer_bytes"] = flits * static_cast<int>(flit_ns);
        });
    };
    const double full_rate = head_ns(2) + static_cast<double>(packets) * packet_ns;
    REQUIRE(3 * flit_ns > round_trip);
    CHECK(arrival(with_flits(3), {0, 2, packets}) == Approx(full_rate).margin(instant_ns));
    for (const int flits : {1, 2}) {
        // Flits leave in groups of a buffer, a round trip after each other; the last group without waiting.
        REQUIRE(flits * flit_ns < round_trip);
        const double groups = packet_ns / (flits * flit_ns);
        const double packet_time = (groups - 1) * round_trip + flits * flit_ns;
        const double measured = arrival(with_flits(flits), {0, 2, packets});
        CHECK(measured > head_ns(2) + static_cast<double>(packets) * packet_time - instant_ns);
        CHECK(measured < head_ns(2) + static_cast<double>(packets) * groups * round_trip + instant_ns);
    }
}
