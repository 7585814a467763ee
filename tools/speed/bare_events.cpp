// SPDX-License-Identifier: Apache-2.0
// What SystemC itself can do: modules whose one method does nothing but notify itself again, by a timed event. All in
// step (every event at the same instants), or each with a period of its own, as the parts of a machine are.
#include "sim/machine/simulation.h"
#include "tools/speed/measures.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

namespace tilemesh::speed {
namespace {

class Ticker : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(Ticker);
    Ticker(sc_core::sc_module_name name, std::uint64_t period_ps, std::uint64_t events)
        : sc_module(name), period_(sc_core::sc_time::from_value(period_ps)), left_(events) {
        SC_METHOD(tick);
        sensitive << event_;
    }

private:
    void tick() {
        if (left_-- > 0) event_.notify(period_);
    }
    sc_core::sc_time period_;
    std::uint64_t left_;
    sc_core::sc_event event_;
};

void bare_events(benchmark::State& state) {
    constexpr std::uint64_t events = 4'000'000;
    const auto modules = static_cast<std::uint64_t>(state.range(0));
    const bool in_step = state.range(1) != 0;
    const machine::MachineConfig config = panel("single_user_prefill_8k", {}).machine;
    for (auto _ : state) {
        machine::Simulation idle(config);  // brings a fresh SystemC; its PEs run nothing
        std::vector<std::unique_ptr<Ticker>> tickers;
        for (std::uint64_t i = 0; i < modules; ++i) {
            const std::string name = "ticker" + std::to_string(i);
            tickers.push_back(
                std::make_unique<Ticker>(name.c_str(), in_step ? 1000 : 1000 + 7 * i, events / modules));
        }
        idle.run();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(events / modules * modules) * state.iterations());
}

}  // namespace

void register_bare_events() {
    benchmark::RegisterBenchmark(bare_name, bare_events)
        ->ArgNames({"modules", "in_step"})
        ->Args({8, 1})
        ->Args({8, 0})
        ->Args({64, 1})
        ->Args({64, 0})
        ->Unit(benchmark::kMillisecond);
}

}  // namespace tilemesh::speed
