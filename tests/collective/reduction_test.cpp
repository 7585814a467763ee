// SPDX-License-Identifier: Apache-2.0
// Sums in the network: what routers that add are asked for, what it takes, that nothing waits for ever, and what
// `auto` makes of it.
#include "sim/collective/execution.h"
#include "sim/collective/values.h"
#include "sim/workloads/collective/collective_run.h"
#include "tests/collective/kind_panels.h"
#include "tests/collective/plain_network.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;
using namespace tilemesh::collective;

namespace {

constexpr double link_rate = 10.0;  // GB/s
double us_on_link(double bytes) { return bytes / link_rate / 1000.0; }

struct Chain {
    CollectiveConfig config;
    noc::NetworkConfig network;
    Chips chips;

    Chain(int n, bool ring) : network(collective_test::plain_network(n, ring, link_rate)), chips{n, ring} {
        network.router.reduction = true;
    }
    Ground ground() const { return {config, network, Rate::gbytes_per_s(1e6)}; }
    Schedule schedule(Algorithm algorithm, std::uint64_t part) const {
        return schedule_of(Operation::reduce_scatter, algorithm, chips, part * static_cast<std::uint64_t>(chips.n));
    }
    double us(Algorithm algorithm, std::uint64_t part) const {
        return to_nanoseconds(execute(schedule(algorithm, part), 1, ground()).time) / 1000.0;
    }
    Algorithm chosen(std::uint64_t part) const {
        return quickest(ground(), Operation::reduce_scatter, chips, part * static_cast<std::uint64_t>(chips.n), 1);
    }
};

Json panel_on(const Json& machine, const char* operation, const char* algorithm, std::uint64_t bytes = 1 << 20) {
    return {{"name", "p"},
            {"machine", machine},
            {"problem", {{"collective", operation}, {"bytes", bytes}}},
            {"kernels", {algorithm}}};
}
Json adding(const char* machine) { return {{"base", machine}, {"network", {{"router", {{"reduction", true}}}}}}; }
const workloads::CollectiveKind collective_kind;
std::string refusal_of(const Json& json) {
    try {
        run::check_panel(example::read_of_kind(collective_kind, json));
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("routers round what they pass on to the type of the elements, from the far end on") {
    const auto bf16 = [](float value) { return round_to(Dtype::bf16, value); };
    const Schedule line = schedule_of(Operation::reduce_scatter, Algorithm::in_network, {5, false}, 5);
    bool rounding_shows = false;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Inputs inputs{Dtype::bf16, seed};
        const auto x = [&](int chip) { return inputs.value(chip, 3); };  // element 3 is chip 3's
        const float from_west = bf16(bf16(x(0) + x(1)) + x(2));
        const float kept = bf16(x(3) + from_west + x(4));
        CHECK(follow({line}, inputs, 3).held[3] == static_cast<double>(kept));
        rounding_shows = rounding_shows || kept != bf16(x(3) + (x(0) + x(1) + x(2)) + x(4));
    }
    CHECK(rounding_shows);
}

TEST_CASE("the chip that keeps a sum adds to its own what comes from the west, then what comes from the east") {
    const Schedule line = schedule_of(Operation::reduce_scatter, Algorithm::in_network, {5, false}, 5);
    const Schedule ring = schedule_of(Operation::reduce_scatter, Algorithm::in_network, {5, true}, 5);
    bool order_shows = false;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Inputs drawn{Dtype::f32, seed};
        const auto x = [&](int chip) { return drawn.value(chip, 1); };  // element 1 is chip 1's
        const float east = (x(4) + x(3)) + x(2);
        CHECK(follow({line}, drawn, 1).held[1] == static_cast<double>((x(1) + x(0)) + east));
        order_shows = order_shows || (x(1) + x(0)) + east != (x(1) + east) + x(0);
        CHECK(follow({ring}, drawn, 1).held[1] == static_cast<double>((x(1) + (x(4) + x(0))) + (x(3) + x(2))));
    }
    CHECK(order_shows);
}

TEST_CASE("every element of every chip is added once, on lines and rings of 2 to 9") {
    for (int n = 2; n <= 9; ++n)
        for (const bool ring : {false, true}) {
            const auto elements = static_cast<std::uint64_t>(3 * n + 1);
            const Inputs inputs{Dtype::f32, 5};
            const Schedule sums = schedule_of(Operation::reduce_scatter, Algorithm::in_network, {n, ring}, elements);
            for (std::uint64_t element = 0; element < elements; ++element) {
                const auto want = expected(Operation::reduce_scatter, {n, ring}, elements, inputs, element);
                const auto got = follow({sums}, inputs, element);
                for (std::size_t chip = 0; chip < want.held.size(); ++chip) {
                    if (std::isnan(want.held[chip])) continue;
                    CAPTURE(n, ring, element, chip);
                    CHECK(got.held[chip] == Approx(want.held[chip]).margin(1e-5));
                }
            }
        }
}

TEST_CASE("a link carries every sum once: the bytes of relays, without a worker on the way") {
    for (int n = 2; n <= 9; ++n)
        for (const bool ring : {false, true}) {
            const auto elements = static_cast<std::uint64_t>(n) * 840;
            const Schedule sums = schedule_of(Operation::reduce_scatter, Algorithm::in_network, {n, ring}, elements);
            const bool closed = ring && n > 2;
            std::uint64_t most = 0;
            for (int chip = 0; chip < n; ++chip)
                for (const int direction : {1, -1}) most = std::max(most, elements_on_link(sums, chip, direction));
            CAPTURE(n, ring);
            const auto others = static_cast<std::uint64_t>(n - 1) * 840;
            CHECK(most == (closed ? others / 2 : others));
        }
    // A chip reads its own part of what it keeps, of what it sends and of what passes, and adds two sums to it.
    const Schedule line = schedule_of(Operation::reduce_scatter, Algorithm::in_network, {4, false}, 4);
    CHECK(elements_through_memory(line, 0) == 2 + 3 + 2);
    CHECK(elements_through_memory(line, 1) == 2 + (2 + 1) + 2 + 2);
}

TEST_CASE("few bytes take the hops and an addition at every router between, many the busiest link") {
    Chain line(5, false);
    line.network.link.latency = from_nanoseconds(700);
    line.config.reduction = from_nanoseconds(50);
    // The farthest chip is heard of over four hops; then four hops with three routers between.
    CHECK(line.us(Algorithm::in_network, 1) == Approx(8 * 0.7 + 3 * 0.05).margin(2e-3));
    line.config.relay = from_nanoseconds(2000);  // the worker that adds to what stays
    CHECK(line.us(Algorithm::in_network, 1) == Approx(8 * 0.7 + 3 * 0.05 + 2).margin(2e-3));
    for (const bool ring : {false, true})
        for (const int n : {3, 4, 8}) {
            CAPTURE(ring, n);
            const double bytes = (n - 1) * 1048576.0 / (ring ? 2 : 1);
            CHECK(Chain(n, ring).us(Algorithm::in_network, 1 << 20) == Approx(us_on_link(bytes)).epsilon(0.02));
        }
}

TEST_CASE("a chip's worker brings its elements at its own rate, to its own packets and to those that pass") {
    Chain line(4, false);
    line.config.worker = Rate::gbytes_per_s(5);
    // Chip 0 brings three parts eastwards, chip 1 adds to two of them: half of the link's rate.
    CHECK(line.us(Algorithm::in_network, 1 << 20) == Approx(us_on_link(3 * 2 * 1048576.0)).epsilon(0.02));
    line.config.workers = {{Bytes(), 1}, {Bytes(3 << 20), 2}};  // for what chip 0 brings, and for less one
    CHECK(line.us(Algorithm::in_network, 1 << 20) < us_on_link(3 * 2 * 1048576.0) * 0.9);
    // The one behind decides: it adds to two parts, and is not quicker.
    line.config.workers = {{Bytes(), 1}, {Bytes(3 << 20), 8}};
    CHECK(line.us(Algorithm::in_network, 1 << 20) == Approx(us_on_link(2 * 2 * 1048576.0)).epsilon(0.05));
}

TEST_CASE("round a ring a worker brings its own for what passes beside what it sends") {
    Chain ring(8, true);
    ring.config.packet.slots = 4;
    ring.config.worker = Rate::gbytes_per_s(link_rate);
    const double links = us_on_link(7 * 262144.0 / 2);
    CHECK(ring.us(Algorithm::in_network, 1 << 18) >= links);
    CHECK(ring.us(Algorithm::in_network, 1 << 18) <= 1.25 * links);
}

TEST_CASE("what is on its way round a ring goes before what begins there, so that slots do not fill up") {
    for (const int n : {5, 6, 8}) {
        Chain ring(n, true);
        ring.config.packet.slots = 16;
        ring.network.link.latency = from_nanoseconds(400);  // four packets' time
        CAPTURE(n);
        const double links = us_on_link((n - 1) * 1048576.0 / 2);
        CHECK(ring.us(Algorithm::in_network, 1 << 20) >= links);
        CHECK(ring.us(Algorithm::in_network, 1 << 20) <= 1.08 * links + n * 0.4);
    }
}

TEST_CASE("sums round a ring never wait for each other, however few slots there are") {
    for (const int n : {3, 4, 7, 8})
        for (const std::uint64_t slots : {1, 2, 3, 16})
            for (const std::uint64_t part : {1000, 1 << 16}) {
                Chain ring(n, true);
                ring.config.packet.slots = slots;
                ring.config.reduction = from_nanoseconds(300);
                ring.config.worker = Rate::gbytes_per_s(slots == 3 ? 3 : 30);
                CAPTURE(n, slots, part);
                const Execution done = execute(ring.schedule(Algorithm::in_network, part), 1, ring.ground());
                CHECK(to_nanoseconds(done.time) >= (n - 1) * static_cast<double>(part) / 2 / link_rate);
            }
}

TEST_CASE("auto adds in the network where routers can and that takes less time") {
    Chain line(8, false);
    line.config.relay = from_nanoseconds(2000);
    CHECK(line.chosen(1024) == Algorithm::in_network);
    line.config.worker = Rate::gbytes_per_s(1);  // relays feed links at the links' rate
    CHECK(line.chosen(1 << 22) == Algorithm::relay);
    CHECK(line.chosen(64) == Algorithm::in_network);
    line.network.router.reduction = false;
    CHECK(line.chosen(64) == Algorithm::relay);
    Chain ring(8, true);
    ring.config.relay = from_nanoseconds(2000);
    CHECK(ring.chosen(1024) == Algorithm::in_network);
    CHECK(quickest(ring.ground(), Operation::all_gather, ring.chips, 8, 1) == Algorithm::relay);
}

TEST_CASE("panels sum in the network on machines whose routers add, right and above their bounds") {
    for (const char* const machine : {"wormhole_line8", "wormhole_ring8", "blackhole_4x"})
        for (const char* const operation : {"reduce_scatter", "all_reduce"}) {
            CAPTURE(machine, operation);
            const auto sums =
                example::run_of_kind(collective_kind, panel_on(adding(machine), operation, "in_network"));
            CHECK(sums.verdict.pass);
            CHECK(sums.time >= sums.schedule_bound.time);
            CHECK(sums.time >= sums.machine_bound.time);
            const auto relay = example::run_of_kind(collective_kind, panel_on(machine, operation, "relay"));
            CHECK(sums.busiest_link.bytes <= relay.busiest_link.bytes);
        }
    const auto both =
        example::run_of_kind(collective_kind, panel_on(adding("wormhole_line8"), "all_reduce", "in_network"));
    CHECK(both.note.find("reduce_scatter by in_network") == 0);
    CHECK(both.note.find("all_gather by multicast") != std::string::npos);
    CHECK_THAT(refusal_of(panel_on("wormhole_line8", "all_reduce", "in_network")),
               Catch::Contains("network.router.reduction true, or take relay"));
    CHECK_THAT(refusal_of(panel_on(adding("wormhole_line8"), "all_gather", "in_network")),
               Catch::Contains("there is no all_gather by in_network"));
}

TEST_CASE("links that reach a share of their rate by size do so for collectives, and their bounds know it") {
    for (const Algorithm algorithm : {Algorithm::relay, Algorithm::in_network}) {
        Chain line(4, false);
        line.network.link.rate_by_size = {{Bytes(1 << 16), 0.25}, {Bytes(1 << 20), 0.8}};
        CAPTURE(name_of(algorithm));
        CHECK(line.us(algorithm, 1 << 20) == Approx(us_on_link(3 * 1048576.0) / 0.8).epsilon(0.02));
        CHECK(line.us(algorithm, 1 << 16) == Approx(us_on_link(3 * 65536.0) / 0.25).epsilon(0.08));
    }
    Json slow = {{"base", "wormhole_line8"}, {"network", {{"link", {{"rate_by_size", Json::array()}}}}}};
    slow["network"]["link"]["rate_by_size"] = Json::parse(R"([{"bytes": 1024, "share": 0.1},
                                                              {"bytes": 1048576, "share": 0.5}])");
    for (const char* const algorithm : {"relay", "multicast"}) {
        const auto at_share = example::run_of_kind(collective_kind, panel_on(slow, "all_gather", algorithm, 1 << 23));
        const auto whole =
            example::run_of_kind(collective_kind, panel_on("wormhole_line8", "all_gather", algorithm, 1 << 23));
        CHECK(at_share.time >= at_share.schedule_bound.time);
        CHECK(to_nanoseconds(at_share.schedule_bound.time) > 1.9 * to_nanoseconds(whole.schedule_bound.time) - 2e4);
        CHECK(at_share.machine_bound.time > whole.machine_bound.time);
    }
}
