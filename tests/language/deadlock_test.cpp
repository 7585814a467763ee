// SPDX-License-Identifier: Apache-2.0
// When nothing can happen any more the run fails, and says who waits in which command for what, held by whom.
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

TEST_CASE("two PEs that send only what they receive deadlock, and the chain comes back to the first") {
    const auto echoes = [](int other) {
        return [other](tl::Context& tl) { tl.send(other, tl.recv(other, {4}, Dtype::f32)); };
    };
    const std::string report = failure_of(ideal_line(), {{0, echoes(1)}, {1, echoes(0)}});
    CHECK_THAT(report, Catch::Contains("deadlock: kernel test_kernel: 2 of 2 PEs"));
    for (const auto& [me, other] : {std::pair{"0", "1"}, std::pair{"1", "0"}}) {
        const std::string pe = std::string("machine.cube0.pe") + me, peer = std::string("machine.cube0.pe") + other;
        CHECK_THAT(report,
                   Catch::Contains(pe + ".receive_from_pe" + other + ": command 0 (recv) waits for message 0 " +
                                   "from " + peer + ", which has started 0 sends to it"));
        CHECK_THAT(report, Catch::Contains(pe + ".send_to_pe" + other +
                                           ": command 1 (send) waits for the tile that command 0 (recv) makes"));
    }
    CHECK_THAT(report, Catch::EndsWith("so back to machine.cube0.pe0"));
}

TEST_CASE("two PEs that both wait for their receive before they send deadlock") {
    const auto waits = [](int other) {
        return [other](tl::Context& tl) {
            tl.wait(tl.recv(other, {4}, Dtype::f32));
            tl.send(other, tl.zeros({4}));
        };
    };
    const std::string report = failure_of(ideal_line(), {{0, waits(1)}, {1, waits(0)}});
    CHECK_THAT(report, Catch::Contains("machine.cube0.pe0: the kernel waits for the tile of command 0 (recv)"));
    CHECK_THAT(report, Catch::Contains("machine.cube0.pe1: the kernel waits for the tile of command 0 (recv)"));
}

TEST_CASE("sends that fill queues and receive buffers on both sides deadlock, and fit when there is room") {
    const auto exchanges = [](int other) {
        return [other](tl::Context& tl) {
            const Tile tile = tl.zeros({128});  // 512 bytes
            for (int i = 0; i < 3; ++i) tl.send(other, tile);
            for (int i = 0; i < 3; ++i) tl.recv(other, {128}, Dtype::f32);
        };
    };
    const auto failure = [&](int buffer, int depth) {
        return failure_of(counting_line([=](Json& json) {
                              json["network"]["receive_buffer_bytes"] = buffer;
                              json["pe"]["queue_depth"] = depth;
                          }),
                          {{0, exchanges(1)}, {1, exchanges(0)}});
    };
    // One send under way, one in the queue, one with the kernel, which so never comes to its receives.
    const std::string report = failure(256, 1);
    CHECK_THAT(report, Catch::Contains("machine.cube0.pe0: the kernel waits for a place in the queue of "
                                       "machine.cube0.pe0.send_to_pe1"));
    CHECK_THAT(report,
               Catch::Contains("machine.cube0.pe0.send_to_pe1: command 1 (send) waits for credits: 256 bytes "
                               "fill the receive buffer at machine.cube0.pe1, which has posted 0 receives for "
                               "1 sends"));
    CHECK_THAT(report,
               Catch::Contains("machine.cube0.pe0.send_to_pe1: command 2 (send) waits for the commands before"));
    CHECK_THAT(report, Catch::Contains("so back to machine.cube0.pe0"));
    // A buffer for one message lets the second start and the third be queued; a deeper queue takes all three.
    CHECK(failure(512, 1).empty());
    CHECK(failure(256, 2).empty());
}

TEST_CASE("the chain of waiting ends at the PE that has finished") {
    const auto waits_for_east = [](tl::Context& tl) { tl.recv(tl::Direction::east, {4}, Dtype::f32); };
    const std::string report =
        failure_of(ideal_line(), {{0, waits_for_east}, {1, waits_for_east}, {2, [](tl::Context&) {}}});
    CHECK_THAT(report, says("2 of 3 PEs", "message 0 from machine.cube0.pe1", "message 0 from machine.cube0.pe2"));
    CHECK_THAT(report, Catch::EndsWith("machine.cube0.pe2 has finished its kernel"));
}

TEST_CASE("waiting for a PE that runs no kernel is said to be that") {
    const auto text = [](tl::Context& tl) { tl.recv(5, {4}, Dtype::f32); };
    CHECK_THAT(failure_of(ideal_line(), {{0, text}}), Catch::EndsWith("machine.cube0.pe5 runs no kernel"));
}

TEST_CASE("a barrier that somebody never reaches is a deadlock") {
    const auto meets = [](tl::Context& tl) { tl.barrier(); };
    CHECK_THAT(failure_of(ideal_line(), {{0, meets}, {1, [](tl::Context&) {}}}),
               says("1 of 2 PEs", "machine.cube0.pe0: the kernel waits at a barrier for machine.cube0.pe1",
                    "machine.cube0.pe1 has finished its kernel"));
}

TEST_CASE("a deadlock at a barrier names everybody who is missing, and what the first of them waits for") {
    const auto meets = [](tl::Context& tl) { tl.barrier(); };
    const auto receives = [](int from) {
        return [from](tl::Context& tl) { tl.wait(tl.recv(from, {4}, Dtype::f32)); };
    };
    const std::string report =
        failure_of(ideal_line(), {{0, meets}, {1, meets}, {2, receives(3)}, {3, [](tl::Context&) {}}});
    CHECK_THAT(report,
               says("3 of 4 PEs", "pe0: the kernel waits at a barrier for machine.cube0.pe2, machine.cube0.pe3",
                    "machine.cube0.pe2: the kernel waits for the tile of command 0 (recv)"));
}

TEST_CASE("when PEs run different kernels, a deadlock names the kernel of each") {
    const auto receives = [](int from) { return [from](tl::Context& tl) { tl.recv(from, {4}, Dtype::f32); }; };
    machine::Simulation simulation(ideal_line());
    simulation.launch(0, "reads_east", receives(1), ValueMode::none);
    simulation.launch(1, "reads_west", receives(0), ValueMode::none);
    std::string report;
    try {
        simulation.run();
    } catch (const KernelError& error) {
        report = error.what();
    }
    CHECK_THAT(report, says("deadlock: 2 of 2 PEs", "machine.cube0.pe0 runs kernel reads_east",
                            "machine.cube0.pe1 runs kernel reads_west"));
}

TEST_CASE("room held by a message that cannot leave is a deadlock that names both") {
    const auto config = counting_line([](Json& json) {
        json["pe"]["sram_bytes"] = 2048;
        json["network"]["receive_buffer_bytes"] = 256;
    });
    const auto sends = [](tl::Context& tl) {
        tl.send(1, tl.zeros({384}));
        tl.wait(tl.zeros({256}));
    };
    const std::string report = failure_of(config, {{0, sends}, {1, [](tl::Context&) {}}});
    CHECK_THAT(report, Catch::Contains("machine.cube0.pe0: the kernel waits for 1024 bytes of SRAM (1536 of 2048"));
    CHECK_THAT(report, Catch::Contains("send_to_pe1: command 1 (send) waits for credits"));
}
