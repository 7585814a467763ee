// SPDX-License-Identifier: Apache-2.0
// How fast the network is, when it is all there is to do. In a machine: packets times links crossed per second, while
// every PE of a 2 x 4 cube sends tiles of four packets to every other, many times over, so that packets queue at most
// links. By itself: flits times routers passed per second on an 8 x 8 mesh under uniform traffic, which is what
// flit-level simulators spend their time on (one of the public ones does 1.0 million of them per second).
#include "sim/machine/simulation.h"
#include "sim/probe/traffic_run.h"
#include "tools/speed/measures.h"

#include <benchmark/benchmark.h>

namespace tilemesh::speed {
namespace {

void packet_hops(benchmark::State& state) {
    constexpr int rounds = 200;
    const machine::MachineConfig config =
        panel("single_user_prefill_8k", {"machine=" TILEMESH_CONFIGS "/machines/cube_2x4.json"}).machine;
    const int pes = config.pes();
    const Shape shape{static_cast<std::int64_t>(4 * config.network.packet.value() / bytes_per_element(Dtype::f16))};
    std::uint64_t hops = 0;
    for (auto _ : state) {
        machine::Simulation simulation(config);
        for (int pe = 0; pe < pes; ++pe) {
            const auto text = [pe, pes, shape](tl::Context& tl) {
                const Tile tile = tl.zeros(shape, Dtype::f16);
                for (int round = 0; round < rounds; ++round) {
                    for (int ahead = 1; ahead < pes; ++ahead) {
                        tl.send((pe + ahead) % pes, tile);
                        tl.recv((pe + pes - ahead) % pes, shape, Dtype::f16);
                    }
                }
            };
            simulation.launch(pe, "all_to_all", text, ValueMode::none);
        }
        const machine::Outcome outcome = simulation.run();
        for (std::size_t i = 0; i < outcome.components.size(); ++i) {
            if (outcome.components[i].kind == "link") hops += outcome.totals[i].activities;
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(hops));
}

/// Packets of so many flits of 16 bytes, at a tenth of what the ports could carry: 256 flits are 4 KiB.
void flit_hops(benchmark::State& state) {
    constexpr std::uint64_t flit = 16;
    const Picoseconds cycle(1000);
    const auto packet = static_cast<std::uint64_t>(state.range(0));
    noc::NetworkConfig network;
    network.pes_in_cube = {noc::TopologyKind::mesh, 8, 8};
    network.link = {Rate::gbytes_per_s(flit), cycle, Bytes(2 * flit * packet)};
    network.die_to_die = network.link;
    network.port = network.link;
    network.router.vc_allocation = network.router.switch_allocation = network.router.traversal = cycle;
    network.router.credit = cycle;
    network.flit = Bytes(flit);
    network.packet = Bytes(flit * packet);
    probe::TrafficLoad load;
    load.packet_flits = static_cast<int>(packet);
    load.offered = 0.1;
    load.warmup_cycles = 0;
    load.measured_cycles = 10000 * packet;
    load.drain_cycles = 0;
    load.judged = false;
    double hops = 0.0;
    for (auto _ : state) {
        const probe::TrafficPoint point = probe::run_traffic(network, load);
        hops += static_cast<double>(point.packets * packet) * point.mean_routers;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(hops));
}

}  // namespace

void register_flit_hops() {
    benchmark::RegisterBenchmark(flits_name, flit_hops)
        ->ArgName("packet")
        ->Arg(4)
        ->Arg(256)
        ->Unit(benchmark::kMillisecond);
}

void register_packet_hops() { benchmark::RegisterBenchmark(hops_name, packet_hops)->Unit(benchmark::kMillisecond); }

}  // namespace tilemesh::speed
