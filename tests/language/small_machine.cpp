// SPDX-License-Identifier: Apache-2.0
#include "tests/language/small_machine.h"

namespace tilemesh::test {

machine::MachineConfig ideal_line(const Change& change) {
    Json json = parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/ideal_line.json");
    if (change) change(json);
    return machine::read_machine(JsonReader(json, "test machine"));
}

machine::MachineConfig counting_line(const Change& change) {
    return ideal_line([&](Json& json) {
        json["pe"]["matrix"]["rows"] = 1;
        json["pe"]["matrix"]["cols"] = 1;
        json["pe"]["vector"]["lanes"] = 1;
        json["pe"]["vector"].erase("cycles_per_element");  // 1 for all
        json["hbm"]["gbytes_per_s_per_channel"] = 1.0;
        json["network"]["link"]["gbytes_per_s"] = 1.0;
        json["network"]["packet_bytes"] = 256;
        if (change) change(json);
    });
}

machine::Outcome run_kernels(const machine::MachineConfig& config, const Kernels& kernels, ValueMode values,
                             machine::SimulationOptions options) {
    machine::Simulation simulation(config, options);
    for (const auto& [pe, text] : kernels) simulation.launch(pe, "test_kernel", text, values);
    return simulation.run();
}

std::string failure_of(const machine::MachineConfig& config, const Kernels& kernels, ValueMode values) {
    try {
        run_kernels(config, kernels, values);
    } catch (const KernelError& error) {
        return error.what();
    }
    return "";
}

}  // namespace tilemesh::test
