// SPDX-License-Identifier: Apache-2.0
#include "tools/speed/twins.h"

#include "sim/base/json_reader.h"
#include "sim/program/interpreter.h"
#include "sim/workloads/program/front_end.h"

#include <limits>
#include <numeric>

namespace tilemesh::speed {
namespace {

machine::MachineConfig cube_line() {
    const std::string file = std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/cube_line8.json";
    return machine::read_machine(JsonReader(parse_json_file(file), "test machine"));
}

program::Value array_of(const Input& input, int pe, machine::Simulation& simulation) {
    const auto type = *program::type_from_name(name_of(input.dtype));
    const auto bytes = static_cast<std::uint64_t>(input.rows * input.cols) * bytes_per_element(input.dtype);
    const std::uint64_t address = simulation.machine().slice(pe).allocate(bytes, input.name);
    program::ArrayLayout layout{1, input.rows, input.cols, {{pe, address, 0, input.rows}}, false};
    return program::Value::object(
        program::Kind::pointer, type,
        make<program::Array>(input.name, type, std::vector{input.rows, input.cols}, std::move(layout)));
}

}  // namespace

machine::Outcome Twins::run_program(Recorder* recorder) const {
    const auto text =
        workloads::load_program(std::string(TILEMESH_SOURCE_DIR) + "/tools/speed/twins.py", name, "twins");
    const program::Function& function = text->kernel(name);
    machine::Simulation simulation(cube_line(), {.recorder = recorder});
    std::vector<int> pes(static_cast<std::size_t>(ranks));
    std::iota(pes.begin(), pes.end(), 0);
    std::vector<program::Value> arguments;
    for (const int pe : pes) {
        if (pe == 0 || !shared) {
            arguments.clear();
            for (const Input& input : inputs) arguments.push_back(array_of(input, pe, simulation));
            for (const std::int64_t number : numbers) arguments.push_back(program::Value::integer(number));
        }
        const auto run = [&, pe, arguments](tl::Context& tl) {
            program::Instance instance;
            instance.id[0] = pe;
            instance.count[0] = ranks;
            instance.pe_of_rank = &pes;
            program::Interpreter(*text, tl, instance).run(function, arguments);
        };
        simulation.launch(pe, name, run, ValueMode::none);
    }
    return simulation.run();
}

machine::Outcome Twins::run_kernel(Recorder* recorder) const {
    machine::Simulation simulation(cube_line(), {.recorder = recorder});
    std::vector<Tensor*> tensors;
    for (int pe = 0; pe < ranks; ++pe) {
        if (pe == 0 || !shared) {
            tensors.clear();
            for (const Input& input : inputs)
                tensors.push_back(&simulation.allocate(pe, input.name, {input.rows, input.cols}, input.dtype));
        }
        const auto run = [this, pe, tensors](tl::Context& tl) { kernel(tl, pe, tensors); };
        simulation.launch(pe, name, run, ValueMode::none);
    }
    return simulation.run();
}

Twins attend(std::int64_t rows, std::int64_t cols, std::int64_t blocks, std::int64_t dim) {
    const auto kernel = [=](tl::Context& tl, int, const std::vector<Tensor*>& t) {
        const Tile q = tl.load(tl::at(*t[2]), {rows, dim});
        Tile m = tl.full({rows, 1}, -std::numeric_limits<float>::infinity());
        Tile l = tl.zeros({rows, 1}), o = tl.zeros({rows, dim});
        for (std::int64_t block = 0; block < blocks; ++block) {
            const Tile k = tl.load(tl::at(*t[0], 0, block * cols, 0), {cols, dim});
            const Tile v = tl.load(tl::at(*t[3], 0, block * cols, 0), {cols, dim});
            const Tile scores = tl.dot(q, tl.trans(k)) * 0.125F;
            const Tile m_new = tl.maximum(m, tl.max(scores));
            const Tile p = tl.exp(scores - m_new);
            const Tile fade = tl.exp(m - m_new);
            l = l * fade;
            l = l + tl.sum(p);
            const Tile p16 = tl.cast(p, Dtype::f16);
            o = tl.dot(p16, v, o * fade);
            m = m_new;
        }
        tl.store(tl::at(*t[1]), tl.cast(o / l, Dtype::f16));
    };
    return {"attend",
            {{"k", Dtype::f16, blocks * cols, dim},
             {"o", Dtype::f16, rows, dim},
             {"q", Dtype::f16, rows, dim},
             {"v", Dtype::f16, blocks * cols, dim}},
            {rows, cols, blocks, dim},
            kernel};
}

}  // namespace tilemesh::speed
