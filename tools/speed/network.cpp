// SPDX-License-Identifier: Apache-2.0
// Packets times links crossed, per second, when the network is all there is to do: every PE of a 2 x 4 cube sends
// tiles of four packets to every other, many times over, so that packets queue at most links.
#include "sim/machine/simulation.h"
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

}  // namespace

void register_packet_hops() { benchmark::RegisterBenchmark(hops_name, packet_hops)->Unit(benchmark::kMillisecond); }

}  // namespace tilemesh::speed
