// SPDX-License-Identifier: Apache-2.0
// Tile commands per second of a program and of the same kernel in C++: attention on 8 PEs, each with its own tensors,
// timing only. Both make the same commands (tests/programs holds that), so the ratio is what interpreting costs.
#include "tools/speed/measures.h"
#include "tools/speed/twins.h"

#include <benchmark/benchmark.h>
#include <fmt/core.h>

namespace tilemesh::speed {
namespace {

Twins twins() {
    Twins twins = attend(128, 128, 50000, 128);
    twins.ranks = 8;
    twins.shared = false;
    return twins;
}

void program(benchmark::State& state) {
    std::uint64_t commands = 0;
    for (auto _ : state) commands += twins().run_program().commands;
    state.SetItemsProcessed(static_cast<std::int64_t>(commands));
}

void kernel(benchmark::State& state) {
    std::uint64_t commands = 0;
    for (auto _ : state) commands += twins().run_kernel().commands;
    state.SetItemsProcessed(static_cast<std::int64_t>(commands));
}

}  // namespace

void register_programs() {
    benchmark::RegisterBenchmark(fmt::format("{}/program", twins_name).c_str(), program)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(fmt::format("{}/kernel", twins_name).c_str(), kernel)->Unit(benchmark::kMillisecond);
}

}  // namespace tilemesh::speed
