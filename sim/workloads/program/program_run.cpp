// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/program_run.h"

#include "sim/base/error.h"
#include "sim/insight/recording.h"
#include "sim/program/interpreter.h"
#include "sim/run/not_possible.h"
#include "sim/tile/value_process.h"
#include "sim/workloads/program/argument_values.h"
#include "sim/workloads/program/barriers.h"
#include "sim/workloads/program/bounds.h"
#include "sim/workloads/program/check.h"
#include "sim/workloads/program/placement.h"
#include "sim/workloads/program/races.h"
#include "sim/workloads/program/tensors.h"
#include "sim/workloads/program/tuned_constants.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::workloads {
namespace {

using program::Array;

class PreparedPrograms final : public run::Prepared {
public:
    std::map<std::string, std::shared_ptr<const program::ArrayValues>> values;  // by tensor
    std::map<std::string, HostTensor> expected;
};

/// Everything a simulation of a program refers to.
struct Laid {
    std::map<std::string, Ref<Array>> arrays;
    std::vector<std::vector<std::vector<std::int64_t>>> instances;  // by launch, by PE
    std::vector<std::vector<int>> pe_of_rank;                       // by launch; empty: several instances on a PE
    std::unique_ptr<Barriers> barriers;                             // of its run
};

Laid lay_out_all(const ProgramPanel& panel, const ProgramChoice& choice, const PreparedPrograms* prepared,
                 const Reserve& reserve) {
    Laid laid;
    for (const TensorChoice& tensor : panel.tensors) {
        auto array = make<Array>(tensor.name, tensor.type, tensor.shape, lay_out(tensor, panel.machine, reserve));
        if (prepared) array->set_values(prepared->values.at(tensor.name));
        laid.arrays.emplace(tensor.name, std::move(array));
    }
    for (const LaunchChoice& launch : choice.launches) {
        laid.instances.push_back(dispatch(choice.dispatch, launch, panel.machine.pes(), choice.where));
        std::vector<int> pe_of_rank(static_cast<std::size_t>(launch.instances()), -1);
        bool alone = true;
        for (std::size_t pe = 0; pe < laid.instances.back().size(); ++pe) {
            alone = alone && laid.instances.back()[pe].size() <= 1;
            for (const std::int64_t instance : laid.instances.back()[pe])
                pe_of_rank[static_cast<std::size_t>(instance)] = static_cast<int>(pe);
        }
        if (!alone || choice.programs_per_pe > 1) pe_of_rank.clear();
        laid.pe_of_rank.push_back(std::move(pe_of_rank));
    }
    return laid;
}

/// What one command processor of a PE does: its share of the PE's instances of every launch, one after the other; all
/// begin a launch together.
void run_on(tl::Context& tl, const ProgramPanel& panel, const ProgramChoice& choice, const Laid& laid, int pe,
            int processor) {
    for (std::size_t number = 0; number < choice.launches.size(); ++number) {
        const LaunchChoice& launch = choice.launches[number];
        const program::Function& kernel = launch.program->kernel(launch.kernel);
        const std::vector<int>& ranks = laid.pe_of_rank[number];
        const std::vector<std::int64_t>& instances = laid.instances[number][static_cast<std::size_t>(pe)];
        Barriers::Turn turn(*laid.barriers, number, tl);
        for (auto i = static_cast<std::size_t>(processor); i < instances.size();
             i += static_cast<std::size_t>(choice.programs_per_pe)) {
            program::Instance one;
            std::int64_t rest = instances[i];
            for (std::size_t axis = 0; axis < launch.grid.size(); ++axis) {
                one.count[axis] = launch.grid[axis];
                one.id[axis] = rest % launch.grid[axis];
                rest /= launch.grid[axis];
            }
            one.pe_of_rank = ranks.empty() ? nullptr : &ranks;
            if (choice.directions == ProgramChoice::Directions::cube)
                one.neighbours = neighbours_in_cubes(panel.machine, pe);
            one.most_instructions = choice.max_instructions;
            one.barrier = [&turn] { turn.meet(); };
            program::Interpreter interpreter(*launch.program, tl, one);
            interpreter.run(kernel, Arguments(panel, laid.arrays, pe).of(launch, kernel));
        }
        turn.end(static_cast<std::size_t>(processor) < instances.size());
    }
}

std::shared_ptr<const Laid> launch_all(const ProgramPanel& panel, const ProgramChoice& choice,
                                       const PreparedPrograms& prepared, ValueMode values, machine::Target& target) {
    const auto laid = std::make_shared<Laid>(lay_out_all(
        panel, choice, &prepared,
        [&](int pe, std::uint64_t bytes, const std::string& what) { return target.reserve(pe, bytes, what); }));
    laid->barriers = std::make_unique<Barriers>(choice, laid->instances);
    for (const TensorChoice& tensor : panel.tensors)
        if (tensor.content.what != ContentChoice::What::nothing)
            for (const program::Home& home : laid->arrays.at(tensor.name)->layout().homes)
                target.is_given(home.pe, home.address, home.bytes);
    for (int pe = 0; pe < panel.machine.pes(); ++pe) {
        std::size_t most = 0;
        for (const auto& by_pe : laid->instances) most = std::max(most, by_pe[static_cast<std::size_t>(pe)].size());
        for (int processor = 0; processor < std::min(choice.programs_per_pe, static_cast<int>(most)); ++processor)
            target.launch(
                pe, choice.label,
                [&panel, &choice, &laid = *laid, pe, processor](tl::Context& tl) {
                    run_on(tl, panel, choice, laid, pe, processor);
                },
                values, processor);
    }
    return laid;
}

/// Of the fastest dtype that the program may multiply in.
double fastest_product(const ProgramPanel& panel) {
    double fastest = 0;
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32})
        fastest = std::max(fastest, panel.machine.pe.macs_per_ns(dtype));
    for (const TensorChoice& tensor : panel.tensors)
        fastest = std::max(fastest, panel.machine.pe.macs_per_ns(program::dtype_of(tensor.type)));
    return fastest;
}

std::vector<run::NamedTensor> outputs_of(const ProgramPanel& panel, const Laid& laid) {
    std::vector<run::NamedTensor> outputs;
    for (const TensorChoice& tensor : panel.tensors) {
        const Array& array = *laid.arrays.at(tensor.name);
        if (!array.was_stored()) continue;
        run::NamedTensor out{tensor.name, {}, {}};
        for (const std::int64_t dim : tensor.shape) out.shape.push_back(static_cast<std::uint64_t>(dim));
        for (std::int64_t i = 0; i < array.elements(); ++i) {
            if (program::is_float(array.type())) {
                out.values.push_back(array.float_at(0, i).value_or(std::numeric_limits<float>::quiet_NaN()));
            } else {
                out.integers.push_back(array.integer_at(0, i).value_or(0));
            }
        }
        outputs.push_back(std::move(out));
    }
    return outputs;
}

}  // namespace

std::string ProgramWorkload::describe() const {
    std::string text;
    for (const TensorChoice& tensor : panel_.tensors)
        text += fmt::format("{}{} {} [{}]", text.empty() ? "" : ", ", tensor.name, program::name_of(tensor.type),
                            fmt::join(tensor.shape, ", "));
    return text;
}

void ProgramWorkload::check(std::size_t kernel) const {
    const ProgramChoice& choice = panel_.programs[kernel];
    std::vector<std::uint64_t> taken(static_cast<std::size_t>(panel_.machine.pes()), 0);
    const std::uint64_t room = panel_.machine.hbm.capacity.value();
    const Laid laid = lay_out_all(panel_, choice, nullptr, [&](int pe, std::uint64_t bytes, const std::string& what) {
        std::uint64_t& used = taken[static_cast<std::size_t>(pe)];
        used += bytes;
        if (used > room)
            throw run::NotPossible(
                choice.where + ": ",
                fmt::format("{} does not fit the HBM slice of PE {}: {} of {} bytes", what, pe, used, room));
        return std::uint64_t{0};
    });
    for (std::size_t number = 0; number < choice.launches.size(); ++number)
        for (int pe = 0; pe < panel_.machine.pes(); ++pe)
            if (!laid.instances[number][static_cast<std::size_t>(pe)].empty())
                Arguments(panel_, laid.arrays, pe)
                    .of(choice.launches[number],
                        choice.launches[number].program->kernel(choice.launches[number].kernel));
}

void ProgramWorkload::check_inputs(const std::vector<std::size_t>&) const {
    for (std::size_t i = 0; i < panel_.tensors.size(); ++i)
        if (panel_.tensors[i].content.what == ContentChoice::What::file)
            values_of(panel_.tensors[i], i, panel_.values.seed, true);
    if (panel_.values.mode != ValueMode::none) check_expectations(panel_);
}

std::shared_ptr<const run::Prepared> ProgramWorkload::prepare(const std::vector<std::size_t>&, int) const {
    auto prepared = std::make_shared<PreparedPrograms>();
    const bool floats = panel_.values.mode != ValueMode::none;
    for (std::size_t i = 0; i < panel_.tensors.size(); ++i)
        prepared->values[panel_.tensors[i].name] = values_of(panel_.tensors[i], i, panel_.values.seed, floats);
    if (floats) prepared->expected = expectations(panel_, prepared->values);
    return prepared;
}

std::shared_ptr<const void> ProgramWorkload::launch(std::size_t kernel, const run::Prepared& prepared,
                                                    machine::Target& target) const {
    return launch_all(panel_, panel_.programs[kernel], dynamic_cast<const PreparedPrograms&>(prepared),
                      ValueMode::none, target);
}

run::EntryOutcome ProgramWorkload::run(std::size_t kernel, const run::Prepared& prepared_base,
                                       run::Wanted wanted) const {
    prepare_process_for_values();
    const ProgramChoice& choice = panel_.programs[kernel];
    const auto& prepared = dynamic_cast<const PreparedPrograms&>(prepared_base);
    machine::SimulationOptions options;
    options.processors_per_pe = choice.programs_per_pe;
    insight::Recording recording(wanted.account, wanted.trace, wanted.pictures);
    recording.follow(panel_.machine, wanted.estimates, wanted.critical_path);
    if (wanted.energy) recording.meter(panel_.machine);
    options.recorder = recording.recorder();
    options.follower = recording.follower();
    options.jitter = Jitter(panel_.jitter);
    machine::Simulation simulation(panel_.machine, options);
    recording.begin(simulation.machine().components());
    const std::shared_ptr<const Laid> kept = launch_all(panel_, choice, prepared, panel_.values.mode, simulation);
    const Laid& laid = *kept;
    // Values come out of one order of many: whether others would do is found out without time.
    const std::string races = panel_.values.mode == ValueMode::full ? races_of(*this, kernel, prepared) : "";
    const machine::Outcome outcome = blaming(races, [&] { return simulation.run(); });

    run::EntryOutcome entry;
    report::KernelResult& result = entry.result;
    result.note = races;
    result.kernel = choice.launches.back().kernel;
    result.time = outcome.time;
    result.clock_ghz = panel_.machine.pe.clock.ghz();
    result.commands = outcome.commands;
    result.copied = outcome.copied;
    result.sram_peak = outcome.sram_peak;
    result.host.wall_seconds = outcome.host_seconds;
    std::vector<Ref<Array>> arrays;
    for (const auto& [name, array] : laid.arrays) arrays.push_back(array);
    const double fastest = fastest_product(panel_);
    result.machine_bound = machine_bound(panel_.machine, outcome, arrays, fastest);
    result.schedule_bound = schedule_bound(outcome);
    std::uint64_t products = 0, most = 0, engines = 0;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Component& part = outcome.components[i];
        const machine::Totals& totals = outcome.totals[i];
        const bool matrix = part.kind == "matrix";
        if (matrix && totals.work > 0) {
            products += totals.work;
            most = std::max(most, totals.work);
            ++engines;
        }
        result.components.push_back({part.path, part.kind, totals.busy, totals.queued, totals.bytes, totals.work,
                                     totals.activities, matrix ? fastest : part.peak_per_ns});
    }
    recording.close(result, panel_.machine);
    result.flops = 2 * products;
    if (products > 0)
        result.work_imbalance =
            static_cast<double>(most) * static_cast<double>(engines) / static_cast<double>(products);
    if (wanted.outputs && panel_.values.mode != ValueMode::none) entry.outputs = outputs_of(panel_, laid);
    if (panel_.values.mode == ValueMode::none) return entry;
    if (panel_.checks.empty()) {
        result.note += std::string(result.note.empty() ? "" : "; ") + "no \"check\" says what the answer should be";
        return entry;
    }
    result.verdict = judge(panel_, prepared.expected, laid.arrays);
    return entry;
}

std::vector<Json> ProgramKind::alternatives(const std::vector<Json>& kernels) const {
    return with_tuned_constants(kernels);
}

bool ProgramKind::is_complete(const Json& kernel) const { return has_tuned_constants(kernel); }

std::vector<run::Entry> ProgramKind::read(JsonReader& panel, const run::Setup& setup,
                                          std::vector<JsonReader>& kernels) const {
    const auto workload = std::make_shared<const ProgramWorkload>(read_program_panel(panel, setup, kernels));
    std::vector<run::Entry> entries;
    for (const ProgramChoice& choice : workload->panel().programs)
        entries.push_back({choice.launches.back().kernel, choice.label, choice.where, {}, workload, entries.size()});
    return entries;
}

}  // namespace tilemesh::workloads
