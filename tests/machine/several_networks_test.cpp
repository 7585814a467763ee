// SPDX-License-Identifier: Apache-2.0
// Machines with several networks: each transfer goes over the one that it asks for or that is shorter, two do more
// than one, and messages keep their order. Rings of PEs, and networks of which each leads one way around.
#include "tests/machine/several_networks.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

constexpr double wire = 20, router = 5;
constexpr int n = 8;

machine::MachineConfig two_rings(const Change& change = {}) {
    return two_one_way_rings([&](Json& json) {
        json["network"]["router"] = {{"cycle_ns", router},        {"route_cycles", 0},
                                     {"vc_allocation_cycles", 0}, {"switch_allocation_cycles", 0},
                                     {"traversal_cycles", 1},     {"credit_cycles", 0},
                                     {"virtual_channels", 2},     {"allocation_conflicts", 0}};
        json["network"]["link"]["latency_ns"] = wire;
        for (Json& network : json["network"]["networks"]) network["link"] = json["network"]["link"];
        if (change) change(json);
    });
}

double head(int hops) { return router + hops * (wire + router); }

/// When messages of so many bytes over these networks have all arrived at PE `to`, sent by PE 0 at once.
double all_arrive(const machine::MachineConfig& config, int to, std::int64_t bytes,
                  const std::vector<int>& networks) {
    double last = 0;
    const auto send = [&](tl::Context& tl) {
        const Tile tile = tl.zeros({bytes / 4});
        for (const int network : networks) tl.send(to, tile, network);
    };
    const auto receive = [&](tl::Context& tl) {
        std::vector<Tile> tiles;
        for (std::size_t i = 0; i < networks.size(); ++i) tiles.push_back(tl.recv(0, {bytes / 4}, Dtype::f32));
        for (const Tile& tile : tiles) last = std::max(last, ready_ns(tl, tile));
    };
    run_kernels(config, {{0, send}, {to, receive}});
    return last;
}

constexpr double instant = 0.01;

}  // namespace

TEST_CASE("a network that leads one way takes the long way back") {
    const machine::MachineConfig config = two_rings();
    for (int to = 1; to < n; ++to) {
        CHECK(all_arrive(config, to, 256, {0}) == Approx(head(to) + 256).margin(instant));
        CHECK(all_arrive(config, to, 256, {1}) == Approx(head(n - to) + 256).margin(instant));
        // Who does not say takes the shorter way.
        CHECK(all_arrive(config, to, 256, {any_network}) == Approx(head(std::min(to, n - to)) + 256).margin(instant));
    }
}

TEST_CASE("two networks used together move twice as much between two PEs") {
    // Both halfway around, over links of 1 byte per ns.
    const machine::MachineConfig config = two_rings();
    const std::int64_t bytes = 64 * 256;
    const double one = head(n / 2) + static_cast<double>(bytes);
    CHECK(all_arrive(config, n / 2, bytes, {0}) == Approx(one).margin(instant));
    CHECK(all_arrive(config, n / 2, bytes, {0, 0}) == Approx(one + static_cast<double>(bytes)).margin(instant));
    CHECK(all_arrive(config, n / 2, bytes, {0, 1}) == Approx(one).margin(instant));
    CHECK(all_arrive(config, n / 2, bytes, {0, 1, 0, 1}) == Approx(one + static_cast<double>(bytes)).margin(instant));
}

TEST_CASE("each network has a port of its own, and its own rate") {
    const auto with_ports = [](double slow) {
        return two_one_way_rings([=](Json& json) {
            Json port = json["network"]["link"];
            json["network"]["port"] = port;
            port["gbytes_per_s"] = slow;
            json["network"]["networks"][1]["port"] = port;
        });
    };
    const std::int64_t bytes = 64 * 256;
    const auto whole = static_cast<double>(bytes);
    // Packets of 256 bytes go through port, links and port.
    CHECK(all_arrive(with_ports(1.0), n / 2, bytes, {0, 1}) == Approx(whole).margin(1));
    CHECK(all_arrive(with_ports(0.5), n / 2, bytes, {0, 1}) == Approx(2 * whole).margin(1));
    CHECK(all_arrive(with_ports(0.5), n / 2, bytes, {0, 0}) == Approx(2 * whole).margin(1));
}

TEST_CASE("a list of one network is the network") {
    const auto line = [](bool list) {
        return counting_line([=](Json& json) {
            json["network"]["link"]["latency_ns"] = wire;
            if (list) json["network"]["networks"] = Json::parse(R"([{"name": "only"}])");
        });
    };
    for (const int to : {1, 5})
        CHECK(all_arrive(line(true), to, 4096, {0}) == all_arrive(line(false), to, 4096, {0}));
}

TEST_CASE("bytes are on the links of the network that was asked for, there and back") {
    const std::int64_t bytes = 4096;
    const auto request = static_cast<std::uint64_t>(two_rings().network.request.value());
    // PE 0 and the memory of PE 2: to the east 2 hops there and 6 back.
    for (const bool write : {false, true}) {
        for (const int network : {0, 1, any_network}) {
            CAPTURE(write, network);
            machine::Simulation simulation(two_rings());
            Tensor& tensor = simulation.allocate(2, "x", {bytes / 4}, Dtype::f32);
            simulation.launch(0, "k", access_of(tensor, network, write), ValueMode::none);
            const machine::Outcome outcome = simulation.run();
            const auto data = static_cast<std::uint64_t>(bytes);
            // What a read takes is data, which comes over the shorter way: to the west.
            const bool east = network == 0 || (network == any_network && write);
            const std::uint64_t there = write ? data : request, back = write ? 0 : data;
            const auto on = [&](int pe, bool way) { return way == east ? link_bytes(outcome, pe, way) : 0; };
            CHECK(on(0, true) == (east ? there : 0));
            CHECK(on(1, true) == (east ? there : 0));
            CHECK(on(5, true) == (east ? back : 0));
            CHECK(on(0, false) == (east ? 0 : there));
            CHECK(on(7, false) == (east ? 0 : there));
            CHECK(on(2, false) == (east ? 0 : back));
            for (int pe = 0; pe < n; ++pe) CHECK(link_bytes(outcome, pe, !east) == 0);
        }
    }
}

TEST_CASE("a read takes the long way once, whichever network it takes, and a write is acknowledged over its own") {
    for (const int home : {1, 3, 4, 6})
        for (const int network : {0, 1}) {
            CAPTURE(home, network);
            const double around = 2 * router + n * (wire + router);
            CHECK(access_ns(two_rings(), home, 256, network, false) ==
                  Approx(around + 256 + 256 + 32).margin(1));  // HBM, link, request
            CHECK(access_ns(two_rings(), home, 256, network, true) == Approx(around + 256 + 256).margin(1));
        }
}

TEST_CASE("receives take messages in the order of their sends, over whichever networks they come") {
    // The first goes seven hops and is long, the second one hop and is there before.
    std::vector<float> got;
    double first = 0, second = 0;
    const auto config = two_rings([](Json& json) { json["network"]["receive_buffer_bytes"] = 256; });
    const auto send = [](tl::Context& tl) {
        tl.send(7, tl.full({1024}, 1.0F), 0);
        tl.send(7, tl.full({512}, 2.0F), 1);
        tl.send(7, tl.full({1024}, 3.0F), 0);
    };
    const auto receive = [&](tl::Context& tl) {
        const Tile a = tl.recv(0, {1024}, Dtype::f32), b = tl.recv(0, {512}, Dtype::f32),
                   c = tl.recv(0, {1024}, Dtype::f32);
        first = ready_ns(tl, a);
        second = ready_ns(tl, b);
        for (const Tile& tile : {a, b, c}) {
            tl.wait(tile);
            got.push_back(tile.record().values->force()[0]);
        }
    };
    const machine::Outcome outcome = run_kernels(config, {{0, send}, {7, receive}}, ValueMode::full);
    CHECK(got == std::vector<float>{1, 2, 3});
    CHECK(first > head(7) + 4096);  // its own buffer was never taken by those that came before it
    CHECK(second > first);
    CHECK(outcome.sent == Bytes(4 * 2560));
    CHECK(link_bytes(outcome, 0, true) == 4 * 2048);
    CHECK(link_bytes(outcome, 0, false) == 4 * 512);
    // A mistake is found by the order, too.
    const auto wrong = [](tl::Context& tl) { tl.wait(tl.recv(0, {512}, Dtype::f32)); };
    CHECK_THAT(failure_of(config, {{0, send}, {7, wrong}}), says("message 0"));
}

TEST_CASE("routers copy in the network that is asked for") {
    const auto config = two_rings([](Json& json) { json["network"]["router"]["multicast"] = true; });
    for (const int network : {0, 1}) {
        const auto send = [=](tl::Context& tl) {
            const std::vector<int> to{1, 2, 5};
            tl.multicast(to, tl.full({64}, 7.0F), network);
        };
        std::vector<float> got;
        const auto receive = [&](tl::Context& tl) {
            const Tile tile = tl.recv(0, {64}, Dtype::f32);
            tl.wait(tile);
            got.push_back(tile.record().values->force()[63]);
        };
        const machine::Outcome outcome =
            run_kernels(config, {{0, send}, {1, receive}, {2, receive}, {5, receive}}, ValueMode::full);
        CHECK(got == std::vector<float>{7, 7, 7});
        // To the east the last is 5 hops away, to the west 7; each link carries the message once.
        std::uint64_t moved = 0;
        for (int pe = 0; pe < n; ++pe) moved += link_bytes(outcome, pe, network == 0);
        CHECK(moved == 256 * (network == 0 ? 5 : 7));
    }
}

TEST_CASE("what is no network is refused, with those that there are") {
    const auto send = [](int network) { return [=](tl::Context& tl) { tl.send(1, tl.zeros({4}), network); }; };
    CHECK_THAT(failure_of(two_rings(), {{0, send(2)}}),
               says("(send): there is no network 2, expected 0 (east) or 1 (west)"));
    CHECK_THAT(failure_of(counting_line(), {{0, send(1)}}),
               says("there is no network 1, expected 0 or none, since the machine has one network"));
    const auto many = [](tl::Context& tl) {
        const std::vector<int> to{1, 2};
        tl.multicast(to, tl.zeros({4}), 3);
    };
    CHECK_THAT(failure_of(two_rings(), {{0, many}}), says("(multicast): there is no network 3"));
}

TEST_CASE("networks that cannot be are refused by their place") {
    const auto error = [](const char* networks, const Change& change = {}) -> std::string {
        try {
            two_one_way_rings([&](Json& json) {
                json["network"]["networks"] = Json::parse(networks);
                if (change) change(json);
            });
        } catch (const InputError& refused) {
            return refused.what();
        }
        return "";
    };
    const Change line = [](Json& json) { json["cube"]["topology"] = "line"; };
    CHECK_THAT(error(R"([{"name": "a", "routing": ["east"]}])", line),
               says("/network/networks/0/routing/0", "east_or_west, since one way only leads everywhere on a ring"));
    CHECK_THAT(error(R"([{"name": "a", "routing": ["north"]}])"), says("/networks/0/routing", "along the columns"));
    CHECK_THAT(error(R"([{"name": "a", "routing": ["up"]}])"), says("/networks/0/routing/0", "north"));
    CHECK_THAT(error(R"([{"name": "a"}, {"name": "a"}])"), says("/networks/1", "that no other network has"));
    CHECK_THAT(error(R"([{"name": "A b"}])"), says("/networks/0", "small letters, digits and _"));
    CHECK_THAT(error(R"([{"routing": ["east"]}])"), says("/networks/0", "name"));
    CHECK_THAT(error("[]"), says("/network/networks", "1 to 4 networks"));
    CHECK_THAT(error(R"([{"name": "a", "rooting": ["east"]}])"), says("/networks/0", "did you mean routing?"));
    CHECK_THAT(error(R"([{"name": "a", "topology": "ring"}])",
                     [](Json& json) {
                         json["cube"] = {{"topology", "mesh"}, {"rows", 2}, {"cols", 4}};
                     }),
               says("/networks/0", "a ring has 1 row, found 2 rows"));
    CHECK_THAT(error(R"([{"name": "a", "link": {"gbytes_per_s": 1, "latency_ns": 0, "buffer_bytes": 64}}])"),
               says("/networks/0", "link/buffer_bytes", "flit_bytes (128)"));
    CHECK_THAT(error(R"([{"name": "a", "topology": "line"}])",
                     [](Json& json) { json["network"]["routing"] = Json::parse(R"(["east"])"); }),
               says("/networks/0", "routing: missing"));
    // A ring beside a line needs two channels, and several cubes are joined both ways.
    CHECK_THAT(error(R"([{"name": "a", "topology": "ring"}])",
                     [&](Json& json) {
                         line(json);
                         json["network"]["router"]["virtual_channels"] = 1;
                     }),
               says("/networks/0", "virtual_channels"));
    CHECK_THAT(error(R"([{"name": "a", "routing": ["east"]}])",
                     [&](Json& json) {
                         line(json);
                         json["cubes"] = {{"topology", "ring"}, {"cols", 4}};
                         json["network"]["die_to_die"] = json["network"]["link"];
                         json["network"]["die_to_die"]["connections_per_side"] = 1;
                     }),
               says("/networks/0/routing/0", "east_or_west"));
}
