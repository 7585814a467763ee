// SPDX-License-Identifier: Apache-2.0
// The graph of a run whose routers copy messages, of which every nanosecond is known.
#include "sim/insight/graph.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

TEST_CASE("copies of a message share a link there too, where links decide and here something else does") {
    const auto line = [](double ns_of_element) {
        return test::counting_line([=](Json& json) {
            json["network"]["router"]["multicast"] = true;
            json["pe"]["vector"]["cycles_per_element"]["fill"] = ns_of_element;
        });
    };
    constexpr int messages = 24;
    const std::vector<int> receivers = {1, 2, 3};
    const auto sends = [&](tl::Context& tl) {  // 150 elements, for 600 ns on the first link
        for (int i = 0; i < messages; ++i) tl.multicast(receivers, tl.full({150}, 1.0F));
    };
    const auto receives = [](tl::Context& tl) {
        for (int i = 0; i < messages; ++i) tl.wait(tl.recv(0, {150}, Dtype::f32));
    };
    const test::Kernels kernels{{0, sends}, {1, receives}, {2, receives}, {3, receives}};
    const machine::MachineConfig here = line(8), there = line(1);
    insight::Graph graph(here, {{"fast", there}}, nullptr);
    machine::SimulationOptions options;
    options.follower = &graph;
    machine::Simulation simulation(here, options);
    graph.begin(simulation.machine().components());
    for (const auto& [pe, kernel] : kernels) simulation.launch(pe, "k", kernel, ValueMode::none);
    const machine::Outcome outcome = simulation.run();
    CHECK(outcome.time >= from_nanoseconds(messages * 8 * 150));
    CHECK(graph.close(outcome.time).unexplained == Picoseconds());
    const double estimated = to_nanoseconds(*graph.estimates()[0].estimated);
    CHECK(estimated == Approx(to_nanoseconds(test::run_kernels(there, kernels).time)).epsilon(0.05));
    CHECK(estimated == Approx(150 + messages * 600).epsilon(0.05));
}
