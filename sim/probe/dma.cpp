// SPDX-License-Identifier: Apache-2.0
// The kind of probe "dma": latency, bandwidth and share of the peak of the classic transfers, and where their time
// went.
#include "sim/probe/dma_bench.h"
#include "sim/probe/kinds.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

namespace tilemesh::probe {
namespace {

using report::Cell;
using report::TextTable;

struct Measured {
    DmaScenario scenario;
    DmaTransfer slowest;
    Picoseconds latency;  // of the slowest
    double mean_ns = 0.0;
    double gbytes_per_s = 0.0;   // all transfers over their span
    double share_of_peak = 0.0;  // of the slices at work
    DmaBreakdown parts;          // of the slowest
};

Measured measured(const DmaScenario& scenario, DmaBench& bench, std::uint64_t bytes) {
    const DmaTimes times = bench.run(scenario.transfers);
    Measured result;
    result.scenario = scenario;
    const auto slowest = std::max_element(times.latencies.begin(), times.latencies.end());
    result.slowest = scenario.transfers[static_cast<std::size_t>(slowest - times.latencies.begin())];
    result.latency = *slowest;
    for (const Picoseconds latency : times.latencies)
        result.mean_ns += to_nanoseconds(latency) / static_cast<double>(times.latencies.size());
    const double moved = static_cast<double>(bytes) * static_cast<double>(scenario.transfers.size());
    result.gbytes_per_s = moved / to_nanoseconds(times.span);
    result.share_of_peak = bench.share_of_peak(scenario.transfers, times);
    result.parts = bench.breakdown(result.slowest, result.latency);
    return result;
}

std::vector<std::pair<const char*, std::int64_t>> named_parts(const DmaBreakdown& parts) {
    return {{"descriptor", parts.descriptor},       {"routers", parts.routers}, {"die_to_die", parts.die_to_die},
            {"serialisation", parts.serialisation}, {"hbm", parts.hbm},         {"queueing", parts.queueing}};
}

Json json_of(const Measured& measured) {
    Json parts = Json::object();
    for (const auto& [name, time] : named_parts(measured.parts)) parts[std::string(name) + "_ps"] = time;
    Json transfers = Json::array();
    for (const DmaTransfer& transfer : measured.scenario.transfers)
        transfers.push_back({{"pe", transfer.pe}, {"home", transfer.home}});
    return {{"name", measured.scenario.name},
            {"what", measured.scenario.what},
            {"latency_ps", measured.latency.value()},
            {"mean_latency_ns", measured.mean_ns},
            {"gbytes_per_s", measured.gbytes_per_s},
            {"share_of_peak", measured.share_of_peak},
            {"slowest", {{"pe", measured.slowest.pe}, {"home", measured.slowest.home}}},
            {"parts", parts},
            {"transfers", transfers}};
}

TextTable table_of(const std::vector<Measured>& all, const noc::Topology& topology) {
    using Align = TextTable::Align;
    TextTable table({{"", "probe", Align::left},
                     {"", "slowest", Align::left},
                     {"", "latency/ns", Align::right},
                     {"", "GB/s", Align::right},
                     {"", "peak%", Align::right},
                     {"of the slowest, ns", "descriptor", Align::right},
                     {"of the slowest, ns", "routers", Align::right},
                     {"of the slowest, ns", "die-to-die", Align::right},
                     {"of the slowest, ns", "serialisation", Align::right},
                     {"of the slowest, ns", "HBM", Align::right},
                     {"of the slowest, ns", "queueing", Align::right}});
    for (const Measured& one : all) {
        const std::string way =
            one.slowest.pe == one.slowest.home
                ? topology.pe_name(one.slowest.pe)
                : fmt::format("{} from {}", topology.pe_name(one.slowest.pe), topology.pe_name(one.slowest.home));
        std::vector<Cell> row = {{one.scenario.name},
                                 {way},
                                 {fmt::format("{:.1f}", to_nanoseconds(one.latency))},
                                 {fmt::format("{:.1f}", one.gbytes_per_s)},
                                 {fmt::format("{:.1f}", 100.0 * one.share_of_peak)}};
        for (const auto& [name, time] : named_parts(one.parts))
            row.push_back({fmt::format("{:.1f}", static_cast<double>(time) / 1000.0)});
        table.add_row(std::move(row));
    }
    return table;
}

std::string conclusion_of(const std::vector<Measured>& all, std::uint64_t bytes, bool write) {
    const auto slowest = std::max_element(all.begin(), all.end(),
                                          [](const Measured& a, const Measured& b) { return a.latency < b.latency; });
    auto parts = named_parts(slowest->parts);
    const auto largest = std::max_element(parts.begin(), parts.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    return fmt::format(
        "{} {} bytes takes {:.1f} ns locally and {:.1f} ns in the slowest probe ({}), {:.0f} % of it {}.",
        write ? "writing" : "reading", bytes, to_nanoseconds(all.front().latency), to_nanoseconds(slowest->latency),
        slowest->scenario.what,
        100.0 * static_cast<double>(largest->second) / static_cast<double>(slowest->latency.value()), largest->first);
}

PreparedProbe read_dma(JsonReader probe, const machine::MachineConfig& machine) {
    probe.word("kind", {"dma"});
    const std::uint64_t most = std::min<std::uint64_t>(machine.pe.sram.value(), std::uint64_t{1} << 30);
    const std::uint64_t bytes = probe.integer("bytes", 2, most, std::min<std::uint64_t>(16384, most));
    if (bytes % 2 != 0) probe.member("bytes").reject("an even number of bytes");
    const bool write = probe.word("access", {"read", "write"}, "read") == "write";
    const auto last = static_cast<std::uint64_t>(machine.pes()) - 1;
    const int home = static_cast<int>(probe.integer("home", 0, last, 0));
    std::vector<int> sharers = {1, 2, 3, 8};
    if (const auto list = probe.optional_member("sharers")) {
        sharers.clear();
        for (const JsonReader& element : list->elements())
            sharers.push_back(
                static_cast<int>(element.as_integer(1, static_cast<std::uint64_t>(machine.pes_per_cube()))));
    }
    probe.finish();
    return [machine, bytes, write, home, sharers](const OnProgress& on_progress) {
        DmaBench bench(machine, bytes, write);
        std::vector<Measured> all;
        const auto scenarios = dma_scenarios(bench.topology(), home, sharers);
        for (const DmaScenario& scenario : scenarios) {
            on_progress(all.size(), scenarios.size());
            all.push_back(measured(scenario, bench, bytes));
        }
        ProbeReport report;
        report.sections.push_back({"", table_of(all, bench.topology())});
        report.conclusion = conclusion_of(all, bytes, write);
        Json list = Json::array();
        for (const Measured& one : all) list.push_back(json_of(one));
        report.result = {{"bytes", bytes}, {"access", write ? "write" : "read"}, {"probes", list}};
        return report;
    };
}

}  // namespace

Kind dma_kind() {
    return {"dma", "classic DMA transfers, alone and in competition: latency, bandwidth and where the time went",
            read_dma};
}

}  // namespace tilemesh::probe
