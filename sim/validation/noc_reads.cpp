// SPDX-License-Identifier: Apache-2.0
// The families of reads recorded on the networks of a chip: programs of processors, in a closed loop. Of a recorded
// trace the prediction is given each processor's start, the order of its reads and their mean gap; nothing of when
// they came back.
#include "sim/machine/chip.h"
#include "sim/probe/programs_run.h"
#include "sim/run/resolve.h"
#include "sim/validation/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t most_cycles = 1'000'000'000;
constexpr double golden_less = 20.0;  // the file's own rule: the last stamp less 20 cycles

struct Barrier {
    std::string name;
    double cycles = 0.0;  // recorded
    std::size_t program = 0;
};

struct Trace {
    std::string name;
    double golden = 0.0;
    std::vector<probe::Program> programs;
    std::vector<Barrier> barriers;  // of processors that read
};

/// [x, y, risc, noc, kernel_begin, barrier_start, barrier_end, [source_x, source_y, issue_cycle, ...]]
void read_processor(const JsonReader& reader, const noc::ChipNetworks& chip, Bytes bytes, Trace& trace) {
    const std::vector<JsonReader> fields = reader.elements();
    if (fields.size() != 8)
        reader.reject("[x, y, risc, noc, kernel_begin, barrier_start, barrier_end, reads] of a processor");
    const auto node_at = [&](const JsonReader& x, const JsonReader& y) {
        const std::uint64_t col = x.as_integer(0, static_cast<std::uint64_t>(chip.grid.cols - 1));
        const std::uint64_t row = y.as_integer(0, static_cast<std::uint64_t>(chip.grid.rows - 1));
        return static_cast<int>(row) * chip.grid.cols + static_cast<int>(col);
    };
    probe::Program program;
    program.node = node_at(fields[0], fields[1]);
    if (const noc::DeviceConfig* const device = chip.device_at(program.node))
        fields[0].complain(fmt::format("the node is {}, on which no processor runs", device->words()));
    const std::uint64_t risc = fields[2].as_integer(0, 1);
    program.network = chip.find(fmt::format("noc{}", fields[3].as_integer(0, 9)));
    if (program.network < 0) fields[3].reject("the number of a network of the machine");
    program.start = fields[4].as_integer(0, most_cycles);
    const std::uint64_t begin = fields[5].as_integer(0, most_cycles), end = fields[6].as_integer(begin, most_cycles);
    program.id = fmt::format("{}.{}", program.node, risc);

    const std::vector<JsonReader> reads = fields[7].elements();
    if (reads.size() % 3 != 0) fields[7].reject("source_x, source_y and issue_cycle of every read");
    const std::size_t count = reads.size() / 3;
    noc::Cycle gap = chip.processor.issue;
    if (count > 1) {
        const std::uint64_t first = reads[2].as_integer(0, most_cycles);
        const std::uint64_t last = reads[3 * count - 1].as_integer(first, most_cycles);
        gap = (last - first + (count - 1) / 2) / (count - 1);
    }
    using Kind = probe::ProgramStep::Kind;
    for (std::size_t i = 0; i < count; ++i) {
        program.steps.push_back(
            {Kind::read, node_at(reads[3 * i], reads[3 * i + 1]), bytes, i == 0 ? chip.processor.start : gap});
    }
    program.steps.push_back(
        {Kind::barrier, 0, Bytes(), count == 0 ? chip.processor.start : chip.processor.barrier_call});
    if (count > 0) {
        trace.barriers.push_back({fmt::format("{}, noc{}, x {} y {}", trace.name, program.network,
                                              program.node % chip.grid.cols, program.node / chip.grid.cols),
                                  static_cast<double>(end - begin), trace.programs.size()});
    }
    trace.programs.push_back(std::move(program));
}

Trace read_trace(JsonReader row, const noc::ChipNetworks& chip) {
    Trace trace;
    trace.name = row.string("name");
    trace.golden = row.number("golden_cycles", 1.0, 1e9);
    const Bytes bytes(row.integer("read_bytes", 1, 1 << 20, 4096));
    for (const JsonReader& processor : row.member("processors").elements())
        read_processor(processor, chip, bytes, trace);
    if (trace.barriers.empty()) row.member("processors").reject("at least one processor that reads");
    return trace;
}

std::vector<Comparison> measure(const Trace& trace, const noc::ChipNetworks& chip, const std::string& suffix) {
    const probe::ProgramsResult result = probe::run_programs(chip, trace.programs);
    std::vector<Comparison> comparisons;
    comparisons.push_back(
        {"noc_trace" + suffix, trace.name, trace.golden, static_cast<double>(result.end) - golden_less, "cycles"});
    for (const Barrier& barrier : trace.barriers) {
        const probe::StepTimes& times = result.steps[barrier.program].back();
        comparisons.push_back({"noc_barrier" + suffix, barrier.name, barrier.cycles,
                               static_cast<double>(times.ended - times.begun), "cycles"});
    }
    return comparisons;
}

std::vector<Case> cases_of(JsonReader file, const Surroundings& surroundings) {
    const run::Resolved machine = run::resolve_machine_file(surroundings.configs / "machines" / "wormhole_noc.json");
    const machine::ChipConfig config = machine::read_chip(JsonReader(machine.json, machine.origins));
    const noc::ChipNetworks& chip = config.networks;
    std::set<std::string> fitted;  // traces that values of the machine were fitted to
    for (const FittedValue& one : config.fitted) fitted.insert(one.rows.begin(), one.rows.end());
    std::vector<Case> cases;
    for (const JsonReader& row : file.member("traces").elements()) {
        const Trace trace = read_trace(row, chip);
        const std::string suffix = fitted.contains(trace.name) ? "_fitted" : "";
        cases.push_back({trace.name,
                         {"noc_trace" + suffix, "noc_barrier" + suffix},
                         [=] { return measure(trace, chip, suffix); },
                         true});
    }
    return cases;
}

}  // namespace

Family noc_reads_family() {
    Family family;
    family.name = "noc_reads";
    family.form = "traces of {name, golden_cycles, processors}, recorded reads on the networks of a Wormhole chip";
    const std::string given = ", given each processor's start, order and mean issue gap";
    family.suites = {
        {"noc_trace",
         "cycles of recorded reads on a Wormhole chip, whole traces" + given,
         {median_at_most(0.025), maximum_at_most(0.12)}},
        {"noc_barrier",
         "cycles that each processor of the same traces waits for its reads" + given,
         {median_at_most(0.08)}},
        {"noc_trace_fitted",
         "the same of traces that values of the machine were fitted to",
         {median_at_most(0.025), maximum_at_most(0.12)},
         true},
        {"noc_barrier_fitted",
         "the same of traces that values of the machine were fitted to",
         {median_at_most(0.08)},
         true},
    };
    family.recognises = [](const Json& file) {
        return has_row_with(file, "traces", {"golden_cycles", "processors"});
    };
    family.read = cases_of;
    return family;
}

}  // namespace tilemesh::validation
