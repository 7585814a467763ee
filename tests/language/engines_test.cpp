// SPDX-License-Identifier: Apache-2.0
// What happens at once and what one after another: engines beside each other, each in order, behind finite queues,
// fed by a command processor that takes its time.
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using Catch::Contains;
using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// Runs a kernel of PE 0 that may load from a tensor of 64 KiB; returns what the kernel returns.
double measured(const machine::MachineConfig& config, const std::function<double(tl::Context&, Tensor&)>& kernel) {
    machine::Simulation simulation(config);
    Tensor& tensor = simulation.allocate(0, "tensor", {64, 256}, Dtype::f32);
    double result = -1.0;
    simulation.launch(
        0, "measured", [&](tl::Context& tl) { result = kernel(tl, tensor); }, ValueMode::none);
    simulation.run();
    return result;
}

constexpr double burst_ns = 64;  // one burst of HBM on the counting line

}  // namespace

TEST_CASE("a load overlaps a dot that does not need it") {
    machine::Simulation simulation(counting_line());
    Tensor& tensor = simulation.allocate(0, "tensor", {256}, Dtype::f32);
    const auto text = [&](tl::Context& tl) {
        const Tile a = tl.zeros({8, 16}), b = tl.zeros({16, 8});
        tl.dot(a, b);
        tl.load(tl::at(tensor), {256});
    };
    simulation.launch(0, "overlaps", text, ValueMode::none);
    const double fills = 2 * 8 * 16, dot = 8 * 16 * 8, load = 256 * 4;
    REQUIRE(load < fills + dot);
    CHECK(simulation.run().time == from_nanoseconds(fills + dot));
}

TEST_CASE("a command waits for the tiles it reads") {
    const double ready = measured(counting_line(), [](tl::Context& tl, Tensor& tensor) {
        const Tile a = tl.load(tl::at(tensor), {8, 16}), b = tl.zeros({16, 4});
        return ready_ns(tl, tl.exp(tl.dot(a, b)));
    });
    CHECK(ready == 8 * 16 * 4 + 8 * 16 * 4 + 8 * 4);  // bytes of the load, then dot, then exp
}

TEST_CASE("an engine executes in order, even when a later command could start earlier") {
    const double ready = measured(counting_line(), [](tl::Context& tl, Tensor& tensor) {
        const Tile late = tl.load(tl::at(tensor), {8, 64}), early = tl.zeros({8, 8});
        tl.dot(early, late);
        return ready_ns(tl, tl.dot(early, early));
    });
    CHECK(ready == 8 * 64 * 4 + 8 * 8 * 64 + 8 * 8 * 8);
}

TEST_CASE("the command processor runs ahead until a queue is full") {
    const int commands = 8, length = 100;
    for (const int depth : {1, 2, 5}) {
        const double ready = measured(counting_line([&](Json& json) { json["pe"]["queue_depth"] = depth; }),
                                      [&](tl::Context& tl, Tensor& tensor) {
                                          for (int i = 0; i < commands; ++i) tl.zeros({length});
                                          return ready_ns(tl, tl.load(tl::at(tensor), {16}));
                                      });
        // The last of them fits in when the command `depth` places before it has left the queue for the engine.
        CHECK(ready == (commands - 1 - depth) * length + burst_ns);
    }
}

TEST_CASE("each command costs the command processor its issue time") {
    const double issue = 10;
    const auto config = counting_line([&](Json& json) { json["pe"]["issue_cycles"] = issue; });
    const auto last_of_five = [&](std::int64_t length) {
        return measured(config, [length](tl::Context& tl, Tensor&) {
            for (int i = 0; i < 4; ++i) tl.zeros({length});
            return ready_ns(tl, tl.zeros({length}));
        });
    };
    CHECK(last_of_five(1) == 5 * issue + 1);    // short commands wait for their issue
    CHECK(last_of_five(25) == issue + 5 * 25);  // long ones for each other
}

TEST_CASE("a result takes the pipeline's depth longer than the engine is busy") {
    const double depth = 30;
    const auto config = counting_line([&](Json& json) { json["pe"]["vector"]["startup_cycles"] = depth; });
    CHECK(measured(config, [](tl::Context& tl, Tensor&) {
              tl.zeros({100});
              return ready_ns(tl, tl.zeros({100}));
          }) == 100 + 100 + depth);
    CHECK(measured(config, [](tl::Context& tl, Tensor&) { return ready_ns(tl, tl.exp(tl.zeros({100}))); }) ==
          100 + depth + 100 + depth);
}

TEST_CASE("a kernel has ended when its last result has left the pipeline") {
    const double depth = 30;
    const auto config = counting_line([&](Json& json) { json["pe"]["vector"]["startup_cycles"] = depth; });
    const machine::Outcome outcome = run_kernels(config, {{0, [](tl::Context& tl) { tl.zeros({100}); }}});
    CHECK(outcome.time == from_nanoseconds(100 + depth));
}

TEST_CASE("outstanding transfers hide the memory's latency, one at a time does not") {
    const double latency = 1000;
    const int loads = 4;
    const auto last = [&](int outstanding) {
        return measured(counting_line([&](Json& json) {
                            json["hbm"]["access_latency_ns"] = latency;
                            json["pe"]["dma"]["outstanding"] = outstanding;
                        }),
                        [&](tl::Context& tl, Tensor& tensor) {
                            for (int i = 1; i < loads; ++i) tl.load(tl::at(tensor, 0, i), {1, 16});
                            return ready_ns(tl, tl.load(tl::at(tensor), {1, 16}));
                        });
    };
    CHECK(last(loads) == loads * burst_ns + latency);
    CHECK(last(1) == loads * (burst_ns + latency));
}

TEST_CASE("of two outstanding transfers the older one makes room, not one that has begun after it") {
    const double latency = 1000, longest = 1024;
    const double last = measured(counting_line([&](Json& json) {
                                     json["hbm"]["access_latency_ns"] = latency;
                                     json["pe"]["dma"]["outstanding"] = 2;
                                 }),
                                 [&](tl::Context& tl, Tensor& tensor) {
                                     tl.load(tl::at(tensor, 0, 0), {1, 16});
                                     tl.load(tl::at(tensor, 0, 1), {1, 256});
                                     tl.load(tl::at(tensor, 0, 2), {1, 16});
                                     return ready_ns(tl, tl.load(tl::at(tensor, 0, 3), {1, 16}));
                                 });
    // The third begins when the first is done; the fourth when the long one is, though the bytes of that have been on
    // their way since before the third began.
    CHECK(last == burst_ns + longest + latency + burst_ns + latency);
}

TEST_CASE("each transfer costs the DMA engine a descriptor") {
    const double descriptor = 100;
    const auto config = counting_line([&](Json& json) { json["pe"]["dma"]["descriptor_cycles"] = descriptor; });
    const int loads = 5;
    CHECK(measured(config, [&](tl::Context& tl, Tensor& tensor) {
              for (int i = 1; i < loads; ++i) tl.load(tl::at(tensor, 0, i), {1, 16});
              return ready_ns(tl, tl.load(tl::at(tensor), {1, 16}));
          }) == loads * descriptor + burst_ns);
}

TEST_CASE("loads and stores run beside each other") {
    // Two channels, the halves of the tensor's first 512 bytes on one each.
    const auto config = counting_line([](Json& json) { json["hbm"]["channels_per_pe"] = 2; });
    const double both = measured(config, [](tl::Context& tl, Tensor& tensor) {
        const Tile tile = tl.zeros({1, 1});
        tl.wait(tile);
        tl.store(tl::at(tensor), tile);
        return ready_ns(tl, tl.load(tl::at(tensor, 0, 0, 64), {1, 64}));
    });
    CHECK(both == 1 + 256);
}

TEST_CASE("wait holds the kernel until the tile is ready, and nothing else does") {
    const auto ready = [](bool waits) {
        return measured(counting_line(), [waits](tl::Context& tl, Tensor& tensor) {
            const Tile tile = tl.zeros({100});
            if (waits) tl.wait(tile);
            return ready_ns(tl, tl.load(tl::at(tensor), {16}));
        });
    };
    CHECK(ready(false) == burst_ns);
    CHECK(ready(true) == 100 + burst_ns);
}

TEST_CASE("a kernel that takes more than 53 days is refused for the command that ends later") {
    // An element takes a second on the vector engine, and 53 days are 4,611,686.
    const auto slow = counting_line([](Json& json) {
        json["pe"]["clock_ghz"] = 0.001;
        json["pe"]["sram_bytes"] = std::uint64_t{1} << 40;
        json["pe"]["vector"]["cycles_per_element"] = {{"exp", 1e6}};
    });
    const auto failure = [&](std::int64_t elements, int times) {
        return failure_of(slow, {{0, [=](tl::Context& tl) {
                                      Tile tile = tl.zeros({elements});
                                      for (int i = 0; i < times; ++i) tile = tl.exp(tile);
                                      tl.zeros({1});
                                  }}});
    };
    CHECK(failure(4'600'000, 1).empty());
    for (const std::int64_t elements : {4'620'000, 9'300'000, 16'777'216, 33'554'432})
        CHECK_THAT(failure(elements, 1), Contains("kernel test_kernel, machine.cube0.pe0, command 1 (exp): ends more "
                                                  "than 53 days after the start"));
    // Sums, of which some would begin anew after 64 bits.
    for (const int times : {2, 3, 4, 5, 9}) CHECK_THAT(failure(4'194'304, times), Contains("command 2 (exp): ends"));
    CHECK_THAT(failure(1'000'000, 20), Contains("command 5 (exp): ends"));
}

TEST_CASE("so is one whose command processor alone takes that long") {
    const auto slow = counting_line([](Json& json) { json["pe"]["launch"] = {{"exchange_message_ns", 1e9}}; });
    const auto failure = [&](int messages) {
        return failure_of(slow, {{0, [=](tl::Context& tl) {
                                      tl.zeros({1});
                                      tl.launch({LaunchedWork::Kind::exchange, {}, messages});
                                  }}});
    };
    CHECK(failure(4'600'000).empty());
    CHECK_THAT(failure(4'620'000),
               Contains("kernel test_kernel, machine.cube0.pe0, before command 1: comes more than 53 days"));
}
