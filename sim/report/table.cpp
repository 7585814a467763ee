// SPDX-License-Identifier: Apache-2.0
// The table of a panel. What each column means is explained in README.md under "how to read the table".
#include "sim/report/table.h"

#include "sim/report/cautions.h"
#include "sim/report/energy_text.h"
#include "sim/report/text_table.h"
#include "sim/report/words.h"

#include <fmt/core.h>

#include <algorithm>

namespace tilemesh::report {
namespace {

struct TimeUnit {
    const char* name;
    double picoseconds;
};

TimeUnit unit_for(Picoseconds time) {
    constexpr TimeUnit units[] = {{"s", 1e12}, {"ms", 1e9}, {"us", 1e6}, {"ns", 1e3}};
    for (const auto& unit : units) {
        if (static_cast<double>(time.value()) >= unit.picoseconds) return unit;
    }
    return units[3];
}

std::string in_unit(Picoseconds time, TimeUnit unit) {
    return fmt::format("{:.3f}", static_cast<double>(time.value()) / unit.picoseconds);
}

std::string percent(double share) { return fmt::format("{:.1f}", 100.0 * share); }

Cell verdict_cell(const KernelResult& kernel) {
    if (kernel.status != Status::ok)
        return {without_result(kernel), kernel.status == Status::not_possible ? Colour::yellow : Colour::red};
    if (!kernel.verdict.computed()) return {"values not computed", Colour::yellow};
    const auto& verdict = kernel.verdict;
    return {fmt::format("{} {:.1e} {:.1e}", verdict.pass ? "pass" : "FAIL", verdict.relative_l2, verdict.max_error),
            verdict.pass ? Colour::green : Colour::red};
}

Cell bound_cell(const BoundResult& bound, double distance) {
    return {bound.time == Picoseconds() ? "-" : above(distance)};
}

/// Energy, average power and energy per operation of the useful work.
void add_energy(const KernelResult& kernel, std::vector<Cell>& row) {
    if (!kernel.energy || !kernel.energy->has_total()) {
        row.push_back({kernel.energy ? "refused" : "-"});
        for (int i = 0; i < 2; ++i) row.push_back({"-"});
        return;
    }
    const EnergyResult& energy = *kernel.energy;
    row.push_back({joules_in_words(energy.joules)});
    row.push_back({fmt::format("{:.1f}", energy.average_w)});
    row.push_back(
        {kernel.flops > 0 ? fmt::format("{:.3g}", energy.joules * 1e12 / static_cast<double>(kernel.flops)) : "-"});
}

std::vector<Cell> row_of(const KernelResult& kernel, TimeUnit unit, bool with_energy) {
    if (kernel.status != Status::ok) {
        std::vector<Cell> row(with_energy ? 16 : 13, Cell{"-", Colour::none});
        row.front() = {kernel.label};
        row.back() = verdict_cell(kernel);
        return row;
    }
    const bool sent = kernel.busiest_link.bytes > Bytes();
    std::vector<Cell> row = {{kernel.label},
                             {grouped(kernel.cycles)},
                             {in_unit(kernel.time, unit)},
                             {fmt::format("{:.2f}", kernel.tflops_per_s)},
                             {percent(kernel.matrix_utilisation)},
                             {fmt::format("{:.1f}", kernel.hbm_gbytes_per_s)},
                             {percent(kernel.hbm_share_of_peak)},
                             {sent ? fmt::format("{:.1f}", kernel.busiest_link.gbytes_per_s) : "-"},
                             {sent ? percent(kernel.busiest_link.share_of_peak) : "-"}};
    row.push_back(bound_cell(kernel.machine_bound, kernel.machine_distance));
    row.push_back(bound_cell(kernel.schedule_bound, kernel.schedule_distance));
    row.push_back({kernel.bound.empty() ? "-" : kernel.bound});
    if (with_energy) add_energy(kernel, row);
    row.push_back(verdict_cell(kernel));
    return row;
}

TextTable table_of(const PanelResult& panel) {
    // The fastest must keep its digits; a slow one may look long.
    Picoseconds shortest = Picoseconds::max();
    for (const auto& kernel : panel.kernels) {
        if (kernel.status == Status::ok) shortest = std::min(shortest, kernel.time);
    }
    const TimeUnit unit = unit_for(shortest);
    const std::string time = fmt::format("time/{}", unit.name);
    using Align = TextTable::Align;
    const bool with_energy = has_energy(panel);
    std::vector<TextTable::Column> columns{{"", "kernel", Align::left},
                                           {"", "cycles"},
                                           {"", time},
                                           {"", "TFLOP/s"},
                                           {"matrix", "peak%"},
                                           {"HBM", "GB/s"},
                                           {"HBM", "peak%"},
                                           {"busiest link", "GB/s"},
                                           {"busiest link", "peak%"},
                                           {"above bound of", "machine"},
                                           {"above bound of", "schedule"},
                                           {"", "bound", Align::left}};
    if (with_energy)
        for (const char* heading : {"total", "W", "pJ/FLOP"}) columns.push_back({"energy", heading});
    columns.push_back({"", "verdict relL2 maxerr", Align::left});
    TextTable table(columns);
    for (const auto& kernel : panel.kernels) table.add_row(row_of(kernel, unit, with_energy));
    return table;
}

/// A diagnosis may list hundreds of tiles; its beginning says what happened.
std::string shortened(const std::string& text) {
    constexpr int shown = 12;
    std::size_t end = 0;
    for (int line = 0; line < shown && end != std::string::npos; ++line) end = text.find('\n', end + (line > 0));
    if (end == std::string::npos) return text;
    const auto rest = std::count(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), '\n');
    return text.substr(0, end) + fmt::format("\n  ... and {} more lines, all of them in the --json file", rest);
}

std::string scaled_line(const PanelResult& panel) {
    constexpr std::size_t most = 24;  // every time is in the table, unscaled
    std::string out;
    std::size_t good = 0;
    for (const auto& kernel : panel.kernels) {
        if (!is_good(kernel) || ++good > most) continue;
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", kernel.label, in_words(kernel.time * panel.layers));
    }
    if (good > most) out += fmt::format(" and {} more", good - most);
    return out.empty() ? out : fmt::format("scaled, one layer simulated, x{} layers: {}\n", panel.layers, out);
}

/// What the pages of K and V cost, against the same run without them.
std::string what_was_passed(const KernelResult& kernel) {
    if (kernel.passed->commands == 0)
        return "steady: nothing repeats in a way that is known; all of it was simulated";
    const auto share = [](double part, double whole) { return whole > 0 ? 100.0 * part / whole : 0.0; };
    return fmt::format(
        "steady: {:.1f}% of its commands were passed over; where that was measured again it was wrong by {:.2g}% of "
        "the time",
        share(static_cast<double>(kernel.passed->commands), static_cast<double>(kernel.commands)),
        share(static_cast<double>(kernel.passed->doubt.value()), static_cast<double>(kernel.time.value())));
}

std::string cost_of_paging(const KernelResult& kernel) {
    const auto more = [](std::uint64_t paged, std::uint64_t contiguous) {
        return fmt::format("{:+.1f}%", 100.0 * (static_cast<double>(paged) / static_cast<double>(contiguous) - 1.0));
    };
    const PagingResult& paging = *kernel.paging;
    return fmt::format("K and V in pages: time {}, HBM bytes {} against contiguous ones ({} cycles)",
                       more(kernel.time.value(), paging.contiguous_time.value()),
                       more(kernel.hbm_bytes.value(), paging.contiguous_hbm_bytes.value()),
                       grouped(Clock(kernel.clock_ghz).cycles_in(paging.contiguous_time)));
}

/// Of a right answer whose relative error looks large.
constexpr double looks_large = 0.1;
std::string error_in_units(const VerdictResult& verdict) {
    return fmt::format("correct arithmetic errs as much on these inputs: {:.2g} of the {:.3g} units it may have, {}",
                       verdict.units, verdict.units_allowed, verdict.units_of);
}

}  // namespace

std::string grouped(double value) {
    std::string digits = fmt::format("{:.0f}", value);
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return digits;
}

std::string above(double distance) {
    return distance < 9.0 ? fmt::format("+{:.1f}%", 100.0 * distance) : fmt::format("{:.1f}x", 1.0 + distance);
}

std::string in_words(Picoseconds time) {
    const TimeUnit unit = unit_for(time);
    return fmt::format("{:.4g} {}", static_cast<double>(time.value()) / unit.picoseconds, unit.name);
}

std::string panel_text(const PanelResult& panel, bool with_colour) {
    std::string out = with_colour ? coloured(panel.name, Colour::bold) : panel.name;
    if (!panel.description.empty()) out += ": " + panel.description;
    out += "\n" + table_of(panel).text(with_colour);
    if (panel.layers > 1) out += scaled_line(panel);
    if (is_jittered(panel))
        out += fmt::format("jittered with seed {}: random latency was added, these are not the machine's times\n",
                           panel.configuration.at("jitter").dump());
    for (const auto& kernel : panel.kernels) {
        const bool in_table = kernel.status == Status::not_possible;
        if (!kernel.error.empty() && !in_table) out += fmt::format("{}: {}\n", kernel.label, shortened(kernel.error));
        if (!kernel.verdict.why.empty()) out += fmt::format("{}: {}\n", kernel.label, kernel.verdict.why);
        if (kernel.verdict.pass && kernel.verdict.relative_l2 >= looks_large && !kernel.verdict.units_of.empty())
            out += fmt::format("{}: {}\n", kernel.label, error_in_units(kernel.verdict));
        if (!kernel.note.empty()) out += fmt::format("{}: {}\n", kernel.label, kernel.note);
        if (kernel.passed) out += fmt::format("{}: {}\n", kernel.label, what_was_passed(kernel));
        if (kernel.paging) out += fmt::format("{}: {}\n", kernel.label, cost_of_paging(kernel));
    }
    return out + conclusion(panel) + "\n" + energy_text(panel) + cautions_text(panel);
}

}  // namespace tilemesh::report
