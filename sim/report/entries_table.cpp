// SPDX-License-Identifier: Apache-2.0
// The table of a milestone that compares every kernel on every panel: which schedule for this mask, shape and mesh.
#include "sim/report/table.h"
#include "sim/report/text_table.h"
#include "sim/report/words.h"

#include <fmt/core.h>

namespace tilemesh::report {
namespace {

Cell verdict_cell(const KernelResult& kernel) {
    if (kernel.status != Status::ok)
        return {without_result(kernel), kernel.status == Status::not_possible ? Colour::yellow : Colour::red};
    if (!kernel.verdict.computed()) return {"values not computed", Colour::yellow};
    return {fmt::format("{} {:.1e}", kernel.verdict.pass ? "pass" : "FAIL", kernel.verdict.relative_l2),
            kernel.verdict.pass ? Colour::green : Colour::red};
}

std::string bytes_or_dash(Bytes bytes) { return bytes > Bytes() ? in_words(bytes) : "-"; }

std::vector<Cell> row_of(const PanelResult& panel, const KernelResult& kernel, const KernelResult* best) {
    if (kernel.status != Status::ok) {
        std::vector<Cell> row(9, Cell{"-", Colour::none});
        row[0] = {panel.name};
        row[1] = {kernel.label};
        row.back() = verdict_cell(kernel);
        return row;
    }
    const Picoseconds least = best == nullptr ? kernel.time : best->time;
    const double slower = static_cast<double>(kernel.time.value()) / static_cast<double>(least.value());
    const std::string behind = least > Picoseconds() ? fmt::format("{:.2f}x", slower) : "-";
    return {{panel.name},
            {kernel.label},
            {grouped(kernel.cycles)},
            {&kernel == best ? "fastest" : behind, &kernel == best ? Colour::green : Colour::none},
            {bytes_or_dash(kernel.busiest_link.bytes)},
            {bytes_or_dash(kernel.hop_bytes)},
            {fmt::format("{:.2f}", kernel.work_imbalance)},
            {kernel.schedule_bound.time > Picoseconds() ? above(kernel.schedule_distance) : "-"},
            verdict_cell(kernel)};
}

}  // namespace

std::string in_words(Bytes bytes) {
    constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes.value());
    std::size_t unit = 0;
    for (; value >= 1024.0 && unit + 1 < std::size(units); ++unit) value /= 1024.0;
    return fmt::format("{:.4g} {}", value, units[unit]);
}

std::string entries_text(const RunResult& run, bool with_colour) {
    using Align = TextTable::Align;
    TextTable table({{"", "panel", Align::left},
                     {"", "kernel", Align::left},
                     {"", "cycles"},
                     {"", "time"},
                     {"busiest", "link"},
                     {"", "hop-bytes"},
                     {"busiest rank", "x mean"},
                     {"above schedule", "bound"},
                     {"", "verdict relL2", Align::left}});
    for (const auto& panel : run.panels) {
        const KernelResult* best = fastest(panel);
        for (const auto& kernel : panel.kernels) table.add_row(row_of(panel, kernel, best));
    }
    return table.text(with_colour);
}

}  // namespace tilemesh::report
