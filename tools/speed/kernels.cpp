// SPDX-License-Identifier: Apache-2.0
// Tile commands per second of a real kernel, timing only: mesh_kv on one causal layer of Llama-3-70B at 32K. Making
// the schedule and laying out the tensors counts as well, as it does for a user.
#include "tools/speed/measures.h"

#include <benchmark/benchmark.h>

namespace tilemesh::speed {
namespace {

void tile_commands(benchmark::State& state) {
    const bool one_cube = state.range(0) == 8, account = state.range(1) == 1;
    std::vector<std::string> settings = {"values.mode=none"};
    if (!one_cube) {
        settings.insert(settings.end(), {"machine=" TILEMESH_CONFIGS "/machines/cubes_4x4.json", "ranks.unit=cube",
                                         "ranks.placement=[0,1,2,3,7,6,5,4,8,9,10,11,15,14,13,12]"});
    }
    const run::Panel whole = panel("single_user_prefill_32k", settings);
    const run::Entry& timed = whole.kernels.front();
    const auto prepared = timed.workload->prepare({timed.number}, 1);
    std::uint64_t commands = 0;
    for (auto _ : state) {
        commands += timed.workload->run(timed.number, *prepared, {.account = account}).result.commands;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(commands));
}

}  // namespace

void register_tile_commands() {
    benchmark::RegisterBenchmark(commands_name, tile_commands)
        ->ArgNames({"pes", "account"})
        ->Args({8, 0})
        ->Args({8, 1})
        ->Args({128, 0})
        ->Args({128, 1})
        ->Unit(benchmark::kMillisecond);
}

}  // namespace tilemesh::speed
