// SPDX-License-Identifier: Apache-2.0
// The counting line as a ring of 8 with two networks, each of links that lead one way, and what its links carried.
#pragma once

#include "tests/language/small_machine.h"

#include <fmt/format.h>

#include <functional>

namespace tilemesh::test {

/// Network 0 leads east, network 1 west; links of 1 byte per ns, no latencies.
inline machine::MachineConfig two_one_way_rings(const Change& change = {}) {
    return counting_line([&](Json& json) {
        json["cube"]["topology"] = "ring";
        json["network"]["networks"] =
            Json::parse(R"([{"name": "east", "routing": ["east"]}, {"name": "west", "routing": ["west"]}])");
        json["pe"]["vector"]["lanes"] = 1 << 30;
        json["pe"]["vector"]["cycles_per_element"] = {{"fill", 1e-9}};  // tiles to send are there at once (1 ps)
        if (change) change(json);
    });
}

/// Of the link from a PE to the east or west.
inline std::uint64_t link_bytes(const machine::Outcome& outcome, int pe, bool east) {
    const std::string path =
        fmt::format("machine.cube0.pe{}_to_pe{}_{}", pe, (pe + (east ? 1 : 7)) % 8, east ? "east" : "west");
    for (std::size_t i = 0; i < outcome.components.size(); ++i)
        if (outcome.components[i].path == path) return outcome.totals[i].bytes.value();
    throw std::runtime_error("no component " + path);
}

/// One load or store of the whole tensor.
inline std::function<void(tl::Context&)> access_of(Tensor& tensor, int network, bool write) {
    return [&tensor, network, write](tl::Context& tl) {
        if (write) return tl.store(tl::at(tensor), tl.zeros(tensor.shape()), network);
        tl.wait(tl.load(tl::at(tensor), tensor.shape(), network));
    };
}

/// How long a load or store of PE 0 takes to the end of all.
inline double access_ns(const machine::MachineConfig& config, int home, std::int64_t bytes, int network, bool write) {
    machine::Simulation simulation(config);
    Tensor& tensor = simulation.allocate(home, "x", {bytes / 4}, Dtype::f32);
    simulation.launch(0, "access", access_of(tensor, network, write), ValueMode::none);
    return to_nanoseconds(simulation.run().time);
}

}  // namespace tilemesh::test
