// SPDX-License-Identifier: Apache-2.0
// The counting line with prices, and the energy of kernels on it.
#pragma once

#include "sim/insight/energy_account.h"
#include "tests/language/small_machine.h"

namespace tilemesh::test {

/// Every key that the kernels here need, each with a value of its own.
inline Json prices() {
    return Json::parse(R"({
        "technology": "test",
        "pj_per_mac": { "f16": 1000, "f32": 3000 },
        "pj_per_element": { "fill": 100, "add": 200, "exp": 500 },
        "pj_per_byte": { "sram_read": 10, "sram_write": 1, "hbm_read": 7, "hbm_write": 8, "router": 0.5,
                         "die_to_die": 30 },
        "pj_per_byte_mm": { "link": 2 },
        "mm": { "pe_pitch": 1.5 },
        "watts": { "pe": 0, "hbm": 0, "die_to_die": 0 },
        "watts_per_mib": { "sram": 0 }
    })");
}

inline const Change priced = [](Json& json) {
    json["energy"] = prices();
    json["pe"]["sram_bytes"] = 4 << 20;
};

inline Change priced_and(const Change& change) {
    return [=](Json& json) {
        priced(json);
        change(json);
    };
}

using Prepare = std::function<Kernels(machine::Simulation&)>;

inline report::EnergyResult energy_of(const Prepare& prepare, const Change& change = priced) {
    const machine::MachineConfig config = counting_line(change);
    insight::EnergyMeter meter(config);
    machine::SimulationOptions options;
    options.follower = &meter;
    machine::Simulation simulation(config, options);
    for (const auto& [pe, text] : prepare(simulation)) simulation.launch(pe, "test_kernel", text, ValueMode::none);
    const machine::Outcome outcome = simulation.run();
    report::KernelResult result;
    result.time = outcome.time;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Totals& totals = outcome.totals[i];
        result.components.push_back({outcome.components[i].path, outcome.components[i].kind, totals.busy,
                                     totals.queued, totals.bytes, totals.work, totals.activities});
    }
    return insight::energy_account(meter, config, result);
}

inline report::EnergyResult energy_of(const Kernels& kernels, const Change& change = priced) {
    return energy_of([&](machine::Simulation&) { return kernels; }, change);
}

}  // namespace tilemesh::test
