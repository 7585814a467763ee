// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/programs_file.h"

#include "sim/probe/probe.h"

#include <fmt/core.h>

#include <set>

namespace tilemesh::probe {
namespace {

constexpr noc::Cycle most_cycles = 1'000'000'000'000;

int read_node(const JsonReader& reader, const noc::ChipNetworks* chip) {
    return noc::read_place(reader, chip ? chip->grid : noc::GridConfig{noc::TopologyKind::mesh, 1024, 1024});
}

/// The place of the network of that name; of any without a chip.
int read_network(const JsonReader& reader, const noc::ChipNetworks* chip) {
    if (!chip) {
        reader.as_string();
        return 0;
    }
    std::vector<std::string> names;
    for (const noc::FlitNetworkConfig& network : chip->networks) names.push_back(network.name);
    return chip->find(reader.as_word(names));
}

/// {"read" or "write": [row, column], "bytes", "network", "gap_cycles", "times"} or
/// {"barrier": "all", "reads" or "writes", "gap_cycles"}.
void read_step(JsonReader reader, const noc::ChipNetworks* chip, std::vector<ProgramStep>& steps) {
    ProgramStep step;
    const int kinds = static_cast<int>(reader.has("read")) + static_cast<int>(reader.has("write")) +
                      static_cast<int>(reader.has("barrier"));
    if (kinds != 1) reader.complain(fmt::format("found {} of read, write and barrier, expected one of them", kinds));
    const noc::ProcessorConfig calls = chip ? chip->processor : noc::ProcessorConfig{};
    const noc::Cycle usual = steps.empty() ? calls.start : reader.has("barrier") ? calls.barrier_call : calls.issue;
    step.gap = reader.integer("gap_cycles", 0, most_cycles, usual);
    std::uint64_t times = 1;
    if (auto barrier = reader.optional_member("barrier")) {
        step.kind = ProgramStep::Kind::barrier;
        step.awaited = barrier->as_choice<ProgramStep::Awaited>({"all", "reads", "writes"});
    } else {
        const bool read = reader.has("read");
        step.kind = read ? ProgramStep::Kind::read : ProgramStep::Kind::write;
        step.node = read_node(reader.member(read ? "read" : "write"), chip);
        step.bytes = Bytes(reader.integer("bytes", 1, std::uint64_t{1} << 32));
        if (const auto network = reader.optional_member("network")) step.network = read_network(*network, chip);
        times = reader.integer("times", 1, 1'000'000, 1);
    }
    reader.finish();
    steps.push_back(step);
    if (steps.size() == 1 && times > 1 && !reader.has("gap_cycles")) step.gap = calls.issue;
    steps.insert(steps.end(), times - 1, step);
}

}  // namespace

std::vector<Program> read_programs(JsonReader file, const noc::ChipNetworks* chip) {
    constexpr std::size_t most_steps = 10'000'000;
    std::vector<Program> programs;
    std::set<std::string> ids;
    std::size_t all = 0;
    file.string("description", "");
    JsonReader list = file.member("programs");
    for (JsonReader& row : list.elements()) {
        Program program;
        program.id = row.string("id");
        const JsonReader node = row.member("node");
        program.node = read_node(node, chip);
        if (const noc::DeviceConfig* const device = chip ? chip->device_at(program.node) : nullptr)
            node.complain(
                fmt::format("found {}, expected a core: no program runs there, others read from it and write to it",
                            device->words()));
        program.network = read_network(row.member("network"), chip);
        program.start = row.integer("start_cycles", 0, most_cycles, 0);
        program.outstanding = row.integer("outstanding", 0, 1'000'000, 0);
        JsonReader steps = row.member("steps");
        for (const JsonReader& step : steps.elements()) read_step(step, chip, program.steps);
        row.finish();
        if (!ids.insert(program.id).second) row.member("id").reject("an id that no other program has");
        all += program.steps.size();
        if (all > most_steps) steps.complain(fmt::format("{} steps so far, expected at most {}", all, most_steps));
        programs.push_back(std::move(program));
    }
    file.finish();
    if (programs.empty()) list.reject("at least one program");
    return programs;
}

std::size_t check_programs(const Json& content, const std::string& file) {
    return read_programs(JsonReader(content, file), nullptr).size();
}

}  // namespace tilemesh::probe
