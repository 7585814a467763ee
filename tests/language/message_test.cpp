// SPDX-License-Identifier: Apache-2.0
// send and recv: order, matching, credits; barrier. Times are those of the counting line: 1 byte per ns, no latency.
#include "tests/language/arrays.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// With a receive buffer of so many bytes.
machine::MachineConfig with_buffer(std::uint64_t bytes) {
    return counting_line([bytes](Json& json) { json["network"]["receive_buffer_bytes"] = bytes; });
}

constexpr double message_ns = 1024;  // of 256 f32
const Shape message{256};

}  // namespace

TEST_CASE("messages of one pair of PEs arrive in the order they were sent, by direction or by number") {
    machine::Simulation simulation(ideal_line());
    Tensor& output = simulation.allocate(4, "output", {4, 3}, Dtype::f32);
    const auto sends = [](tl::Context& tl) {
        tl.send(tl::Direction::east, tl.full({1, 3}, 1.0F));
        tl.send(4, tl.full({1, 3}, 2.0F));
        tl.send(tl::Direction::east, tl.trans(tl.full({3, 1}, 3.0F)));
    };
    const auto sends_west = [](tl::Context& tl) { tl.send(4, tl.full({1, 3}, 7.0F)); };
    const auto receives = [&](tl::Context& tl) {
        const Tile far = tl.recv(7, {1, 3}, Dtype::f32);
        const Tile first = tl.recv(3, {1, 3}, Dtype::f32);
        const Tile second = tl.recv(tl::Direction::west, {1, 3}, Dtype::f32);
        const Tile third = tl.recv(tl::Direction::west, {1, 3}, Dtype::f32);
        tl.store(tl::at(output, 0, 0), first);
        tl.store(tl::at(output, 0, 1), second);
        tl.store(tl::at(output, 0, 2), third);
        tl.store(tl::at(output, 0, 3), far);
    };
    simulation.launch(3, "sends", sends, ValueMode::full);
    simulation.launch(7, "sends", sends_west, ValueMode::full);
    simulation.launch(4, "receives", receives, ValueMode::full);
    simulation.run();
    CHECK(stored(output).data == std::vector<float>{1, 1, 1, 2, 2, 2, 3, 3, 3, 7, 7, 7});
}

TEST_CASE("a message of another shape or dtype than its receive is an error that names both ends") {
    const auto sends = [](tl::Context& tl) { tl.send(1, tl.zeros({4, 6})); };
    const Says names_ends = says("kernel test_kernel", "message 0", "from machine.cube0.pe0 to machine.cube0.pe1",
                                 "sent as f32 [4, 6] (command 1)");
    CHECK_THAT(failure_of(ideal_line(), {{0, sends},
                                         {1,
                                          [](tl::Context& tl) {
                                              tl.recv(0, {6, 4}, Dtype::f32);
                                          }}}),
               names_ends.also("received as f32 [6, 4] (command 0)"));
    CHECK_THAT(failure_of(ideal_line(), {{0, sends},
                                         {1,
                                          [](tl::Context& tl) {
                                              tl.recv(0, {4, 6}, Dtype::f16);
                                          }}}),
               names_ends.also("received as f16 [4, 6] (command 0)"));
    // Whichever end comes first.
    const auto late = [](tl::Context& tl) {
        pause_ns(tl, 5000);
        tl.recv(0, {6, 4}, Dtype::f32);
    };
    CHECK_THAT(failure_of(counting_line(), {{0, sends}, {1, late}}),
               names_ends.also("received as f32 [6, 4] (command 1)"));
}

TEST_CASE("a message that nobody receives is an error") {
    const auto sends = [](tl::Context& tl) {
        for (int i = 0; i < 3; ++i) tl.send(1, tl.zeros({4}));
    };
    const auto receives = [](tl::Context& tl) { tl.recv(0, {4}, Dtype::f32); };
    CHECK_THAT(failure_of(ideal_line(), {{0, sends}, {1, receives}}),
               Catch::Contains("machine.cube0.pe0 sent 3 messages to machine.cube0.pe1, which received 1"));
}

TEST_CASE("a send is asynchronous: the kernel goes on while the message leaves") {
    double other_work = 0.0;
    const auto sends = [&](tl::Context& tl) {
        const Tile tile = tl.zeros(message);
        tl.send(1, tile);
        other_work = ready_ns(tl, tl.zeros({10}));
    };
    double arrival = 0.0;
    const auto receives = [&](tl::Context& tl) { arrival = ready_ns(tl, tl.recv(0, message, Dtype::f32)); };
    run_kernels(counting_line(), {{0, sends}, {1, receives}});
    CHECK(other_work == 256 + 10);
    CHECK(arrival == 256 + message_ns);
}

TEST_CASE("a sender whose receive buffer is full stalls until the receive is posted") {
    const double posted = 5000;
    const std::uint64_t buffer = 512;
    const auto times = [&](std::uint64_t bytes) {
        std::pair<double, double> seen;  // when the message is complete, when its last byte has left
        const auto sends = [](tl::Context& tl) {
            const Tile tile = tl.zeros(message, Dtype::f32);
            tl.send(1, tile);
        };
        const auto receives = [&](tl::Context& tl) {
            pause_ns(tl, static_cast<std::int64_t>(posted));
            seen.first = ready_ns(tl, tl.recv(0, message, Dtype::f32));
        };
        const machine::Outcome outcome = run_kernels(with_buffer(bytes), {{0, sends}, {1, receives}});
        for (std::size_t i = 0; i < outcome.components.size(); ++i) {
            if (outcome.components[i].path == "machine.cube0.pe0.send_to_pe1")
                seen.second = to_nanoseconds(outcome.totals[i].last_end);
        }
        return seen;
    };
    // All of it fits: the message has left and waits in the buffer.
    CHECK(times(1024) == std::pair{posted, 256 + message_ns});
    // Half of it does: the rest follows when the posted receive has given the credits back. They return one instant
    // (1 ps) later, since the counting line's wires take no time.
    const double rest = message_ns - static_cast<double>(buffer);
    CHECK(times(buffer) == std::pair{posted + rest + 0.001, posted + rest + 0.001});
}

TEST_CASE("the credit of what waits in the buffer sets out when a receive is posted, but not before it has arrived") {
    const double wire = 100, made = 128, packet = 256;
    const auto config = counting_line([&](Json& json) {
        json["network"]["receive_buffer_bytes"] = 256;
        json["network"]["link"]["latency_ns"] = wire;
    });
    const auto arrival_when_posted_at = [&](std::int64_t posted) {
        double arrival = 0.0;
        const auto sends = [](tl::Context& tl) { tl.send(1, tl.zeros({128})); };
        const auto receives = [&](tl::Context& tl) {
            pause_ns(tl, posted);
            arrival = ready_ns(tl, tl.recv(0, {128}, Dtype::f32));
        };
        run_kernels(config, {{0, sends}, {1, receives}});
        return arrival;
    };
    const double first_is_there = made + packet + wire;
    REQUIRE(first_is_there == 484);
    for (const std::int64_t posted : {10, 200, 400, 483, 484, 700}) {
        const double credit_sets_out = std::max(first_is_there, static_cast<double>(posted));
        CHECK(arrival_when_posted_at(posted) == credit_sets_out + wire + packet + wire);
    }
}

TEST_CASE("a receive is posted when the one before it on the same link has its last byte, whoever sent that") {
    const double wire = 100, packet = 256, made_late = 1000 + 64;
    const auto config = counting_line([&](Json& json) {
        json["network"]["receive_buffer_bytes"] = 256;
        json["network"]["link"]["latency_ns"] = wire;
    });
    // PE 0's first packet waits at PE 2 long before PE 1 sends; its credit sets out when its receive is posted.
    double arrival = 0.0;
    run_kernels(config, {{0, [](tl::Context& tl) { tl.send(2, tl.zeros({128})); }},
                         {1,
                          [](tl::Context& tl) {
                              pause_ns(tl, 1000);
                              tl.send(2, tl.zeros({64}));
                          }},
                         {2, [&](tl::Context& tl) {
                              tl.recv(1, {64}, Dtype::f32);
                              arrival = ready_ns(tl, tl.recv(0, {128}, Dtype::f32));
                          }}});
    const double posted = made_late + packet + wire;
    CHECK(arrival == posted + 2 * wire + packet + 2 * wire);
}

TEST_CASE("credits that return in time cost nothing") {
    // The receive is posted before: bytes move into its tile as they come, and 512 bytes of credit cover the packets
    // on their way.
    double arrival = 0.0;
    const auto sends = [](tl::Context& tl) { tl.send(1, tl.zeros(message)); };
    const auto receives = [&](tl::Context& tl) { arrival = ready_ns(tl, tl.recv(0, message, Dtype::f32)); };
    run_kernels(with_buffer(512), {{0, sends}, {1, receives}});
    CHECK(arrival == 256 + message_ns);
}

TEST_CASE("a sent tile keeps its SRAM until it has left") {
    // Room for two messages: the third tile waits for the first to have left.
    const auto config = counting_line([](Json& json) { json["pe"]["sram_bytes"] = 2048; });
    double third = 0.0;
    const auto sends = [&](tl::Context& tl) {
        tl.send(1, tl.zeros(message));
        const Tile second = tl.zeros(message);
        third = ready_ns(tl, tl.zeros(message));
    };
    const auto receives = [](tl::Context& tl) { tl.recv(0, message, Dtype::f32); };
    run_kernels(config, {{0, sends}, {1, receives}});
    CHECK(third == 256 + message_ns + 256);
}

TEST_CASE("messages in both directions do not disturb each other") {
    std::map<int, double> arrival;
    Kernels kernels;
    for (const int pe : {0, 1}) {
        kernels[pe] = [&arrival, pe](tl::Context& tl) {
            tl.send(1 - pe, tl.zeros(message));
            arrival[pe] = ready_ns(tl, tl.recv(1 - pe, message, Dtype::f32));
        };
    }
    run_kernels(counting_line(), kernels);
    CHECK(arrival[0] == 256 + message_ns);
    CHECK(arrival[1] == 256 + message_ns);
}

TEST_CASE("a barrier lets everybody go when the last has arrived and all commands before it are done") {
    std::map<int, double> first, second;
    Kernels kernels;
    machine::Simulation simulation(counting_line());
    Tensor& tensor = simulation.allocate(0, "tensor", {256}, Dtype::f32);
    for (int pe = 0; pe < 4; ++pe) {
        const auto text = [&, pe](tl::Context& tl) {
            tl.zeros({100 * (pe + 1)});                              // not waited for
            if (pe == 2) tl.store(tl::at(tensor), tl.zeros({256}));  // a store, begun at 300 + 256
            tl.barrier();
            first[pe] = ready_ns(tl, tl.zeros({10}));
            pause_ns(tl, 50 * (4 - pe));
            tl.barrier();
            second[pe] = ready_ns(tl, tl.zeros({10}));
        };
        simulation.launch(pe, "meets", text, ValueMode::none);
    }
    simulation.run();
    // PE 2's store goes over two links to PE 0's HBM: 1024 ns on the wires (cut through), then the last packet of 256
    // bytes into the memory.
    const double opens = 300 + 256 + message_ns + 256;
    for (int pe = 0; pe < 4; ++pe) {
        CHECK(first[pe] == opens + 10);
        CHECK(second[pe] == opens + 10 + 50 * 4 + 10);
    }
}
