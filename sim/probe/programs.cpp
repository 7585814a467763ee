// SPDX-License-Identifier: Apache-2.0
// The kind of probe "programs": runs programs of processors on the networks of a chip and says when each came through
// its barriers, and how busy every link was.
#include "sim/noc/flit_routes.h"
#include "sim/probe/kinds.h"
#include "sim/probe/programs_file.h"

#include <fmt/core.h>

#include <algorithm>

namespace tilemesh::probe {
namespace {

using report::TextTable;

constexpr std::size_t shown = 40;  // everything is in the JSON

std::string place_text(int node, const noc::GridConfig& grid) {
    return fmt::format("{},{}", node / grid.cols, node % grid.cols);
}

TextTable programs_table(const std::vector<Program>& programs, const ProgramsResult& result,
                         const noc::ChipNetworks& chip) {
    TextTable table({{"", "program", TextTable::Align::left},
                     {"row,", "col"},
                     {"", "network", TextTable::Align::left},
                     {"", "steps"},
                     {"", "bytes"},
                     {"first issued", "/cycles"},
                     {"last issued", "/cycles"},
                     {"waited in", "barriers"},
                     {"end", "/cycles"}});
    for (std::size_t i = 0; i < std::min(shown, programs.size()); ++i) {
        const Program& program = programs[i];
        noc::Cycle first = 0, last = 0, waited = 0, end = program.start;
        std::uint64_t bytes = 0;
        bool any = false;
        for (std::size_t k = 0; k < program.steps.size(); ++k) {
            const StepTimes& times = result.steps[i][k];
            end = std::max(end, times.ended);
            if (program.steps[k].kind == ProgramStep::Kind::barrier) {
                waited += times.ended - times.begun;
                continue;
            }
            first = any ? first : times.begun;
            any = true;
            last = times.begun;
            bytes += program.steps[k].bytes.value();
        }
        table.add_row({{printable(program.id, 40)},
                       {place_text(program.node, chip.grid)},
                       {printable(chip.networks[static_cast<std::size_t>(program.network)].name, 20)},
                       {fmt::format("{}", program.steps.size())},
                       {fmt::format("{}", bytes)},
                       {fmt::format("{}", first)},
                       {fmt::format("{}", last)},
                       {fmt::format("{}", waited)},
                       {fmt::format("{}", end)}});
    }
    return table;
}

TextTable links_table(const std::vector<LinkFlits>& links, noc::Cycle end) {
    TextTable table({{"", "link", TextTable::Align::left}, {"", "flits"}, {"", "busy%"}});
    for (std::size_t i = 0; i < std::min<std::size_t>(8, links.size()); ++i) {
        const double share = links[i].busy_cycles() / static_cast<double>(std::max<noc::Cycle>(end, 1));
        table.add_row({{links[i].name}, {fmt::format("{}", links[i].flits)}, {fmt::format("{:.1f}", 100.0 * share)}});
    }
    return table;
}

/// Of its rate, in the direction that was busier.
double busy_share(const noc::NodeMemories::Moved& moved, noc::Cycle end) {
    return moved.busy / static_cast<double>(std::max<noc::Cycle>(end, 1));
}

TextTable devices_table(const ProgramsResult& result, const noc::ChipNetworks& chip) {
    TextTable table({{"", "device", TextTable::Align::left},
                     {"", "kind", TextTable::Align::left},
                     {"", "requests"},
                     {"flits", "in"},
                     {"", "out"},
                     {"waited", "/cycles"},
                     {"", "busy%"}});
    for (std::size_t i = 0; i < std::min(shown, chip.devices.size()); ++i) {
        const noc::DeviceConfig& device = chip.devices[i];
        const noc::NodeMemories::Moved& moved = result.devices[i];
        const bool paced = device.bytes_per_cycle > 0.0;
        table.add_row({{printable(device.name, 40)},
                       {device.kind_word()},
                       {fmt::format("{}", moved.requests)},
                       {fmt::format("{}", moved.flits_in)},
                       {fmt::format("{}", moved.flits_out)},
                       {fmt::format("{}", moved.waited)},
                       {paced ? fmt::format("{:.1f}", 100.0 * busy_share(moved, result.end)) : "-"}});
    }
    return table;
}

Json json_of(const noc::NodeMemories::Moved& moved) {
    return {{"requests", moved.requests},
            {"flits_in", moved.flits_in},
            {"flits_out", moved.flits_out},
            {"waited_cycles", moved.waited},
            {"busy_cycles", moved.busy}};
}

/// What moved most of what it could, if that is a device: "; dram0, a memory, is busy for 98.0 % of that".
std::string busiest_device(const ProgramsResult& result, const noc::ChipNetworks& chip) {
    double most = result.links.empty() ? 0.0 : result.links[0].busy_cycles();
    std::string words;
    for (std::size_t i = 0; i < chip.devices.size(); ++i) {
        if (result.devices[i].busy <= most) continue;
        most = result.devices[i].busy;
        words = fmt::format("; {}, is busy for {:.1f} % of that", chip.devices[i].words(),
                            100.0 * busy_share(result.devices[i], result.end));
    }
    return words;
}

Json json_of(const Program& program, const std::vector<StepTimes>& times) {
    Json issued = Json::array(), arrived = Json::array(), barriers = Json::array();
    for (std::size_t k = 0; k < times.size(); ++k) {
        if (program.steps[k].kind == ProgramStep::Kind::barrier) {
            barriers.push_back({{"begun_cycles", times[k].begun}, {"ended_cycles", times[k].ended}});
        } else {
            issued.push_back(times[k].begun);
            arrived.push_back(times[k].ended);
        }
    }
    return {{"id", program.id}, {"issued_cycles", issued}, {"completed_cycles", arrived}, {"barriers", barriers}};
}

ProbeReport report_of(const std::vector<Program>& programs, ProgramsResult result, const noc::ChipNetworks& chip) {
    std::stable_sort(result.links.begin(), result.links.end(),
                     [](const LinkFlits& a, const LinkFlits& b) { return a.busy_cycles() > b.busy_cycles(); });
    ProbeReport report;
    report.sections.push_back(
        {programs.size() > shown ? fmt::format("the first {} of {} programs", shown, programs.size()) : "",
         programs_table(programs, result, chip)});
    report.sections.push_back({"busiest links", links_table(result.links, result.end)});
    if (!chip.devices.empty())
        report.sections.push_back({chip.devices.size() > shown
                                       ? fmt::format("the first {} of {} devices", shown, chip.devices.size())
                                       : "devices",
                                   devices_table(result, chip)});
    report.conclusion = fmt::format("{} programs end after {} cycles ({:.1f} ns){}{}.", programs.size(), result.end,
                                    to_nanoseconds(chip.clock.time_for(static_cast<double>(result.end))),
                                    result.links.empty() ? ""
                                                         : fmt::format("; the busiest link, {}, moves {} flits",
                                                                       result.links[0].name, result.links[0].flits),
                                    busiest_device(result, chip));
    Json each = Json::array(), links = Json::object();
    for (std::size_t i = 0; i < programs.size(); ++i) each.push_back(json_of(programs[i], result.steps[i]));
    for (const LinkFlits& link : result.links) links[link.name] = link.flits;
    report.result = {{"end_cycles", result.end}, {"programs", each}, {"flits", links}};
    for (std::size_t i = 0; i < chip.devices.size(); ++i)
        report.result["devices"][chip.devices[i].name] = json_of(result.devices[i]);
    return report;
}

PreparedProbe read_programs_probe(JsonReader probe, const machine::ChipConfig& chip) {
    probe.word("kind", {"programs"});
    const NamedFile file = probe.member("file").as_file();
    probe.finish();
    const Json json = parse_json_file(file);
    const std::vector<Program> programs = read_programs(JsonReader(json, file.shown), &chip.networks);
    return [programs, networks = chip.networks](const OnProgress&) {
        return report_of(programs, run_programs(networks, programs), networks);
    };
}

}  // namespace

Kind programs_kind() {
    Kind kind;
    kind.name = "programs";
    kind.summary = "programs of processors on the networks of a chip: reads, writes and barriers in a closed loop";
    kind.read_on_chip = read_programs_probe;
    return kind;
}

}  // namespace tilemesh::probe
