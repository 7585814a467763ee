// SPDX-License-Identifier: Apache-2.0
#include "tests/interpreter/program_text.h"

#include "sim/base/json_reader.h"

namespace tilemesh::test {

machine::MachineConfig counting_machine() {
    Json json = parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/ideal_line.json");
    json["pe"]["matrix"]["rows"] = 1;
    json["pe"]["matrix"]["cols"] = 1;
    json["pe"]["vector"]["lanes"] = 1;
    json["pe"]["vector"].erase("cycles_per_element");
    json["hbm"]["gbytes_per_s_per_channel"] = 1.0;
    json["pe"]["sram_bytes"] = 1 << 20;
    return machine::read_machine(JsonReader(json, "test machine"));
}

machine::Outcome run(const Trial& trial) {
    const program::Program program = program::read_program(
        "tile_program 1\nkernel k(" + trial.parameters + ") in \"k.py\" {\n" + trial.text + "\n}\n", "k.tile");
    const machine::MachineConfig config = counting_machine();
    machine::SimulationOptions options;
    options.processors_per_pe = trial.processors;
    options.reverse_construction = trial.reverse;
    machine::Simulation simulation(config, options);
    std::vector<int> ranks;
    for (int pe = 0; pe < trial.pes; ++pe) ranks.push_back(pe);
    for (int pe = 0; pe < trial.pes; ++pe)
        for (int processor = 0; processor < trial.processors; ++processor)
            simulation.launch(
                pe, "k",
                [&, pe, processor](tl::Context& tl) {
                    for (int i = processor; i < trial.instances; i += trial.processors) {
                        program::Instance instance;
                        instance.id = {trial.pes > 1 ? pe : i, 0, 0};
                        instance.count = {trial.pes > 1 ? trial.pes : trial.instances, 1, 1};
                        instance.pe_of_rank = trial.instances == 1 ? &ranks : nullptr;
                        instance.most_instructions = trial.most_instructions;
                        program::Interpreter(program, tl, instance).run(program.kernel("k"), trial.arguments);
                    }
                },
                trial.values, processor);
    return simulation.run();
}

std::string failure_of(const Trial& trial) {
    try {
        run(trial);
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

Ref<program::Array> array(const std::string& name, program::Type type, std::vector<std::int64_t> shape,
                          std::vector<float> floats, std::vector<std::int64_t> integers) {
    program::ArrayLayout layout;
    layout.length = 1;
    for (const std::int64_t dim : shape) layout.length *= dim;
    layout.homes.push_back({0, 0, 0, layout.length});
    auto made = make<program::Array>(name, type, std::move(shape), layout);
    if (!floats.empty() || !integers.empty()) {
        auto values = std::make_shared<program::ArrayValues>();
        values->floats = std::move(floats);
        values->integers = std::move(integers);
        made->set_values(values);
    }
    return made;
}

program::Value pointer(const Ref<program::Array>& array) {
    return program::Value::object(program::Kind::pointer, array->type(), array);
}

std::vector<float> floats_of(const program::Array& array) {
    std::vector<float> out;
    for (std::int64_t i = 0; i < array.elements(); ++i)
        out.push_back(array.float_at(0, i).value_or(std::numeric_limits<float>::quiet_NaN()));
    return out;
}

std::vector<std::int64_t> integers_of(const program::Array& array) {
    std::vector<std::int64_t> out;
    for (std::int64_t i = 0; i < array.elements(); ++i) out.push_back(array.integer_at(0, i).value_or(-999));
    return out;
}

}  // namespace tilemesh::test
