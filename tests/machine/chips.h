// SPDX-License-Identifier: Apache-2.0
// Small chips with one network, or two, for tests that compute every cycle by hand.
#pragma once

#include "sim/noc/flit_config.h"
#include "sim/probe/programs_run.h"

#include <string>
#include <utility>
#include <vector>

namespace tilemesh::test {

/// Distinct times, so that no two parts can be taken for each other. 32 bytes a flit.
inline noc::FlitNetworkConfig network_with(std::vector<noc::Way> routing) {
    noc::FlitNetworkConfig network;
    network.name = "net";
    network.routing = std::move(routing);
    network.flit = Bytes(32);
    network.header = 1;
    network.packet = Bytes(1024);
    network.hop = 7;
    network.credit = 5;
    network.buffer = 64;
    network.request_channels = 1;
    network.data_channels = 2;
    network.interface = 3;
    network.memory = 11;
    network.queue = 64;
    network.commands = 64;
    return network;
}

inline noc::ChipNetworks chip_of(noc::TopologyKind kind, int rows, int cols, std::vector<noc::Way> routing) {
    noc::ChipNetworks chip;
    chip.grid = {kind, rows, cols};
    chip.clock = Clock(1.0);
    chip.networks = {network_with(std::move(routing))};
    return chip;
}

/// 4 x 5 nodes, one way only: packets go east, then south.
inline noc::ChipNetworks one_way_torus() {
    return chip_of(noc::TopologyKind::torus, 4, 5, {noc::Way::east, noc::Way::south});
}

inline probe::ProgramStep read_from(int node, std::uint64_t bytes, noc::Cycle gap = 0) {
    return {probe::ProgramStep::Kind::read, node, Bytes(bytes), gap};
}
inline probe::ProgramStep write_to(int node, std::uint64_t bytes, noc::Cycle gap = 0) {
    return {probe::ProgramStep::Kind::write, node, Bytes(bytes), gap};
}
inline probe::ProgramStep barrier_after(noc::Cycle gap = 0) {
    return {probe::ProgramStep::Kind::barrier, 0, Bytes(), gap};
}
inline probe::Program program(int node, std::vector<probe::ProgramStep> steps, noc::Cycle start = 0) {
    return {"p" + std::to_string(node), node, 0, start, 0, std::move(steps)};
}

}  // namespace tilemesh::test
