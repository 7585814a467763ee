// SPDX-License-Identifier: Apache-2.0
// Collectives between real chips, from published sweeps over sizes. Rows that parameters were fitted to (adr/0041)
// are a suite of their own; lines of eight, other rings and the second chip are predictions.
#include "sim/base/names.h"
#include "sim/collective/config.h"
#include "sim/run/panel.h"
#include "sim/validation/families.h"

#include <fmt/core.h>

#include <map>
#include <tuple>

namespace tilemesh::validation {
namespace {

using collective::Operation;

/// One row of the file, or rather what was run for it.
struct Work {
    std::string chip;  // "wormhole"
    Operation operation = Operation::all_gather;
    bool ring = false;
    std::uint64_t n = 2, bytes = 0, links = 1;

    std::string name() const {
        return fmt::format("{} {} {} of {}, {} bytes", chip, collective::name_of(operation), ring ? "ring" : "line",
                           n, bytes);
    }
    /// What a ring and a line have in common.
    auto apart_from_topology() const { return std::tuple(chip, operation, n, bytes, links); }
};

const std::vector<std::string> chips{"wormhole_b0", "blackhole"};

/// The machine of eight in a line, with the row's topology and links.
Json machine_of(const Surroundings& surroundings, const Work& work) {
    const std::string file = work.chip + (work.ring ? "_ring8.json" : "_line8.json");
    Json machine = run::resolve_machine_file(surroundings.configs / "machines" / file).json;
    machine["cube"]["cols"] = work.n;
    Json& collectives = machine["collectives"];
    Json& rate = machine["network"]["link"]["gbytes_per_s"];
    rate = rate.get<double>() / collectives.value("links", 1.0) * static_cast<double>(work.links);
    collectives["links"] = work.links;
    return machine;
}

double time_us(const Surroundings& surroundings, const Work& work) {
    const Json panel = {
        {"name", "chips"},
        {"machine", machine_of(surroundings, work)},
        {"problem", {{"collective", collective::name_of(work.operation)}, {"bytes", work.bytes}, {"dtype", "bf16"}}},
        {"kernels", {"auto"}},
        {"values", {{"mode", "none"}}}};
    const run::Panel read =
        run::read_panel(run::resolve_panel_object(panel, "chips", surroundings.configs), surroundings.workloads);
    const run::Entry& entry = read.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return to_nanoseconds(entry.workload->run(entry.number, *prepared, {}).result.time) / 1000.0;
}

bool is_fitted(const Work& work) {
    if (work.operation == Operation::all_reduce) return false;  // both of its calls were fitted apart
    if (work.chip == "blackhole") return work.n == 2;
    return work.ring ? work.n == 8 && work.operation == Operation::all_gather : work.n <= 4;
}

std::string suite_of(const Work& work) {
    if (is_fitted(work)) return "chips_fitted";
    const bool small = work.chip == "blackhole" ? work.n == 2 : !work.ring && work.n <= 4;
    if (small) return "chips_all_reduce";
    if (work.chip == "blackhole") return "chips_blackhole";
    if (work.ring) return "chips_rings";
    const bool moves_only = work.operation == Operation::all_gather || work.operation == Operation::all_to_all;
    return moves_only ? "chips_lines" : "chips_lines_reduced";
}

Work read_work(JsonReader& row) {
    Work work;
    work.chip = row.word("chip", chips);
    work.chip = work.chip.substr(0, work.chip.find('_'));
    work.operation = row.member("operation").as_choice<Operation>(collective::operation_words());
    work.ring = row.word("topology", {"line", "ring"}) == "ring";
    work.n = row.integer("n", 2, 64);
    work.bytes = row.integer("bytes", 2, std::uint64_t{1} << 40);
    work.links = row.integer("links", 1, 64, 1);
    return work;
}

Case case_of(const Work& work, double us, const Surroundings& surroundings) {
    const std::string suite = suite_of(work), name = work.name();
    return {name, {suite}, [=, &surroundings] {
                return std::vector<Comparison>{{suite, name, us, time_us(surroundings, work), "us"}};
            }};
}

/// How many times as fast a ring is as the line with the same chips.
Case ratio_case(const Work& ring, double ring_us, double line_us, const Surroundings& surroundings) {
    Work line = ring;
    line.ring = false;
    const std::string name = fmt::format("line to ring, {}", ring.name());
    return {name, {"chips_ring_ratio"}, [=, &surroundings] {
                const double measured = time_us(surroundings, line) / time_us(surroundings, ring);
                return std::vector<Comparison>{{"chips_ring_ratio", name, line_us / ring_us, measured, "x"}};
            }};
}

std::vector<Case> cases_of(JsonReader file, const Surroundings& surroundings) {
    std::vector<Case> cases;
    std::map<decltype(Work().apart_from_topology()), double> lines;
    std::vector<std::pair<Work, double>> rings;
    for (JsonReader& row : file.member("rows").elements()) {
        const Work work = read_work(row);
        const double us = row.number("time_us", 1e-3, 1e12);
        if (row.integer("calls_back_to_back", 1, 1 << 20, 1) > 1) {
            cases.push_back(not_compared(suite_of(work), "calls that follow each other without a wait"));
            continue;
        }
        cases.push_back(case_of(work, us, surroundings));
        if (row.string("memory", "DRAM") != "DRAM") continue;
        if (work.ring) {
            rings.emplace_back(work, us);
        } else {
            lines[work.apart_from_topology()] = us;
        }
    }
    for (const auto& ring : rings)
        if (const auto line = lines.find(ring.first.apart_from_topology()); line != lines.end())
            cases.push_back(ratio_case(ring.first, ring.second, line->second, surroundings));
    return cases;
}

}  // namespace

Family chips_family() {
    Family family;
    family.name = "chips";
    family.form = "rows of {chip, operation, topology, n, bytes, links, time_us}: collectives between chips";
    family.suites = {
        {"chips_lines",
         "all_gather and all_to_all on lines of more than 4 Wormhole chips, predicted",
         {median_at_most(0.06), maximum_at_most(0.20)}},
        {"chips_lines_reduced",
         "reduce_scatter and all_reduce on lines of more than 4 Wormhole chips, predicted",
         {median_at_most(0.12), maximum_at_most(0.30)}},
        {"chips_rings",
         "collectives on rings of Wormhole chips but the all_gather of 8, predicted",
         {median_at_most(0.12), maximum_at_most(0.30)}},
        {"chips_ring_ratio", "how many times as fast a ring is as a line, predicted", {maximum_at_most(0.10)}},
        {"chips_blackhole",
         "collectives of more than 2 Blackhole chips, predicted",
         {median_at_most(0.10), maximum_at_most(0.30)}},
        {"chips_all_reduce",
         "all_reduce on lines of which reduce_scatter and all_gather were fitted",
         {median_at_most(0.12), maximum_at_most(0.30)}},
        {"chips_fitted",
         "collectives on lines of 2 and 4 Wormhole and 2 Blackhole chips, all_gather on a ring of 8: fitted",
         {median_at_most(0.06), maximum_at_most(0.30)},
         true},
    };
    family.recognises = [](const Json& file) {
        return has_row_with(file, "rows", {"chip", "operation", "topology", "n", "time_us"});
    };
    family.read = cases_of;
    return family;
}

}  // namespace tilemesh::validation
