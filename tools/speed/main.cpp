// SPDX-License-Identifier: Apache-2.0
// Runs the benchmarks of this folder and holds the rates against the targets. Rates are per second of processor time,
// so that a busy computer disturbs them less; of repetitions the fastest counts.
#include "sim/base/error.h"
#include "sim/report/text_table.h"
#include "tools/speed/measures.h"

#include <benchmark/benchmark.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>

namespace tilemesh::speed {
namespace {

/// Prints as usual and keeps the rates by name.
class Rates final : public benchmark::ConsoleReporter {
public:
    Rates() : ConsoleReporter(isatty(STDOUT_FILENO) != 0 ? OO_ColorTabular : OO_Tabular) {}
    void ReportRuns(const std::vector<Run>& runs) override {
        ConsoleReporter::ReportRuns(runs);
        for (const Run& run : runs) {
            const auto rate = run.counters.find("items_per_second");
            if (run.run_type != Run::RT_Iteration || rate == run.counters.end()) continue;
            double& kept = rates_[run.benchmark_name()];
            kept = std::max(kept, rate->second.value);
        }
    }
    /// The highest rate among benchmarks whose name begins so; 0: none ran.
    double of(const std::string& begin) const {
        double rate = 0.0;
        for (const auto& [name, value] : rates_) {
            if (name.starts_with(begin)) rate = std::max(rate, value);
        }
        return rate;
    }

private:
    std::map<std::string, double> rates_;
};

struct Line {
    std::string measure, target, measured;
    bool reached = true;
};

std::string millions(double rate) { return fmt::format("{:.2f} M/s", rate * 1e-6); }

std::string closing_table(const Rates& rates) {
    const double bare_8 = rates.of(fmt::format("{}/modules:8/", bare_name));
    const double bare_64 = rates.of(fmt::format("{}/modules:64/", bare_name));
    const auto commands = [&](int pes, int account) {
        return rates.of(fmt::format("{}/pes:{}/account:{}", commands_name, pes, account));
    };
    const double commands_8 = commands(8, 0), commands_128 = commands(128, 0);
    const double hops = rates.of(hops_name), full = rates.of(values_name), dense = rates.of(dense_name);
    std::vector<Line> lines;
    const auto rate_line = [&](std::string measure, double rate, double target) {
        if (rate == 0.0) return;
        lines.push_back(
            {std::move(measure), target > 0.0 ? ">= " + millions(target) : "-", millions(rate), rate >= target});
    };
    rate_line("timed events of bare SystemC, 8 modules", bare_8, 0.0);
    rate_line("timed events of bare SystemC, 64 modules", bare_64, 0.0);
    rate_line("tile commands, 8 PEs", commands_8, 3e6);
    rate_line("tile commands, 128 PEs", commands_128, 1.5e6);
    if (commands_8 > 0.0 && bare_8 > 0.0) {
        const double ratio = commands_8 / bare_8;
        lines.push_back(
            {"tile commands, 8 PEs / bare events", ">= 0.10", fmt::format("{:.2f}", ratio), ratio >= 0.1});
    }
    for (const int pes : {8, 128}) {
        if (commands(pes, 0) == 0.0 || commands(pes, 1) == 0.0) continue;
        const double ratio = commands(pes, 0) / commands(pes, 1);
        lines.push_back({fmt::format("time with an account / without, {} PEs", pes), "< 1.10",
                         fmt::format("{:.2f}", ratio), ratio < 1.1});
    }
    const double program = rates.of(fmt::format("{}/program", twins_name));
    const double native = rates.of(fmt::format("{}/kernel", twins_name));
    rate_line("tile commands of a program, 8 PEs", program, 0.0);
    if (program > 0.0 && native > 0.0) {
        const double ratio = program / native;
        lines.push_back({"program / the same kernel in C++", ">= 0.70", fmt::format("{:.2f}", ratio), ratio >= 0.7});
    }
    rate_line("packet hops, 8 PEs", hops, 0.0);
    rate_line("flit hops, packets of 4 flits", rates.of(fmt::format("{}/packet:4", flits_name)), 20e6);
    rate_line("flit hops, packets of 4 KiB", rates.of(fmt::format("{}/packet:256", flits_name)), 200e6);
    if (hops > 0.0 && bare_8 > 0.0) {
        lines.push_back({"packet hops / bare events", "-", fmt::format("{:.2f}", hops / bare_8)});
    }
    if (full > 0.0 && dense > 0.0) {
        const double times = dense / full;
        lines.push_back(
            {"values full, time / dense products alone", "< 3", fmt::format("{:.2f}", times), times < 3.0});
    }
    using Align = report::TextTable::Align;
    report::TextTable table({{"", "measure", Align::left}, {"", "target"}, {"", "measured"}, {"", "", Align::left}});
    for (const Line& line : lines) {
        table.add_row({{line.measure}, {line.target}, {line.measured}, {line.reached ? "" : "missed"}});
    }
    return table.text(false);
}

}  // namespace
}  // namespace tilemesh::speed

int main(int argc, char** argv) {
    using namespace tilemesh::speed;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    register_bare_events();
    register_tile_commands();
    register_programs();
    register_packet_hops();
    register_flit_hops();
    register_values();
    Rates rates;
    try {
        benchmark::RunSpecifiedBenchmarks(&rates);
    } catch (const std::exception& error) {
        fmt::print(stderr, "tilemesh_speed: {}\n", error.what());
        return 3;
    }
    fmt::print("\n{}", closing_table(rates));
    return 0;
}
