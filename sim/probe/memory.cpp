// SPDX-License-Identifier: Apache-2.0
// The kind of probe "memory": one slice's channels under a stream of bursts, command by command: bandwidth, latency,
// row hits and what the channels waited for, beside what whole transfers of that size are booked with.
#include "sim/memory/channels.h"
#include "sim/probe/kinds.h"
#include "sim/probe/memory_load.h"

#include "sim/base/error.h"

#include <fmt/core.h>

#include <algorithm>

namespace tilemesh::probe {
namespace {

using report::TextTable;

Json json_of(const memory::BurstResult& result) {
    const memory::ChannelCounters& counters = result.counters;
    return {{"time_ns", result.time_ns},
            {"gbytes_per_s", result.gbytes_per_s},
            {"fraction_of_peak", result.fraction_of_peak},
            {"latency_mean_ns", result.latency_mean_ns},
            {"latency_min_ns", result.latency_min_ns},
            {"latency_p99_ns", result.latency_p99_ns},
            {"row_hit_rate", result.row_hit_rate},
            {"lost_to_refresh", result.lost_refresh},
            {"lost_to_turnaround", result.lost_turnaround},
            {"lost_to_rows", result.lost_rows},
            {"lost_to_spacing", result.lost_spacing},
            {"idle", result.idle},
            {"reads", counters.reads},
            {"writes", counters.writes},
            {"activates", counters.activates},
            {"precharges", counters.precharges},
            {"refreshes", counters.refreshes}};
}

TextTable table_of(const memory::BurstResult& result, const BookedResult& booked) {
    using Align = TextTable::Align;
    TextTable table({{"", "channels", Align::left},
                     {"", "GB/s", Align::right},
                     {"", "peak%", Align::right},
                     {"latency, ns", "mean", Align::right},
                     {"latency, ns", "min", Align::right},
                     {"latency, ns", "p99", Align::right},
                     {"", "row hits%", Align::right},
                     {"lost, % of the peak", "refresh", Align::right},
                     {"lost, % of the peak", "rows", Align::right},
                     {"lost, % of the peak", "turnaround", Align::right},
                     {"lost, % of the peak", "spacing", Align::right},
                     {"", "nothing asked%", Align::right}});
    const auto percent = [](double share) { return fmt::format("{:.1f}", 100.0 * share); };
    const auto one = [](double value) { return fmt::format("{:.1f}", value); };
    table.add_row({{"command by command"},
                   {one(result.gbytes_per_s)},
                   {percent(result.fraction_of_peak)},
                   {one(result.latency_mean_ns)},
                   {one(result.latency_min_ns)},
                   {one(result.latency_p99_ns)},
                   {percent(result.row_hit_rate)},
                   {percent(result.lost_refresh)},
                   {percent(result.lost_rows)},
                   {percent(result.lost_turnaround)},
                   {percent(result.lost_spacing)},
                   {percent(result.idle)}});
    table.add_row({{"booked as transfers"},
                   {one(booked.gbytes_per_s)},
                   {percent(booked.fraction_of_peak)},
                   {one(booked.latency_mean_ns)},
                   {one(booked.latency_min_ns)},
                   {""},
                   {""},
                   {""},
                   {""},
                   {""},
                   {""},
                   {""}});
    return table;
}

std::string conclusion_of(const memory::BurstLoad& load, const memory::BurstResult& result) {
    const std::pair<double, const char*> losses[] = {{result.lost_refresh, "refresh"},
                                                     {result.lost_rows, "opening and spacing rows"},
                                                     {result.lost_turnaround, "turning the bus"},
                                                     {result.lost_spacing, "the spacing of column commands"}};
    const auto* most = std::max_element(std::begin(losses), std::end(losses));
    const std::string moved = fmt::format("{} bursts of {} bytes move {:.1f} GB/s, {:.0f} % of the peak",
                                          load.random ? "random" : "sequential", load.burst, result.gbytes_per_s,
                                          100.0 * result.fraction_of_peak);
    if (result.idle > most->first)
        return fmt::format("{}; {:.0f} % of the time nothing is asked for.", moved, 100.0 * result.idle);
    return fmt::format("{}; {} costs most, {:.0f} %.", moved, most->second, 100.0 * most->first);
}

PreparedProbe read_memory(JsonReader probe, const machine::MachineConfig& machine) {
    probe.word("kind", {"memory"});
    if (machine.hbm.standard == memory::Standard::ideal)
        probe.complain("the machine's hbm.standard is ideal, which has no commands to measure: use HBM2 or HBM3");
    const memory::BurstLoad load = read_memory_load(probe, machine.hbm);
    const memory::HbmConfig hbm = machine.hbm;
    return [load, hbm](const OnProgress& on_progress) {
        const memory::BurstResult result = memory::run_bursts(hbm, load, on_progress);
        const BookedResult booked = run_booked(hbm, load);
        ProbeReport report;
        report.sections.push_back({"", table_of(result, booked)});
        report.conclusion = conclusion_of(load, result);
        report.result = {{"commands", json_of(result)},
                         {"booked",
                          {{"gbytes_per_s", booked.gbytes_per_s},
                           {"fraction_of_peak", booked.fraction_of_peak},
                           {"latency_mean_ns", booked.latency_mean_ns},
                           {"latency_min_ns", booked.latency_min_ns}}}};
        return report;
    };
}

}  // namespace

Kind memory_kind() {
    return {"memory", "bursts on one slice's HBM channels: bandwidth, latency, row hits and where the rest went",
            read_memory};
}

}  // namespace tilemesh::probe
