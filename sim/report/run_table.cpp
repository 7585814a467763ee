// SPDX-License-Identifier: Apache-2.0
// The table that ends a milestone.
#include "sim/report/table.h"
#include "sim/report/text_table.h"
#include "sim/report/words.h"

#include <fmt/core.h>

#include <algorithm>

namespace tilemesh::report {
namespace {

Cell answers_cell(const PanelResult& panel) {
    std::size_t right = 0, none = 0, impossible = 0;
    for (const auto& kernel : panel.kernels) {
        impossible += kernel.status == Status::not_possible ? 1 : 0;
        if (kernel.status != Status::ok) continue;
        none += kernel.verdict.computed() ? 0 : 1;
        right += kernel.verdict.computed() && kernel.verdict.pass ? 1 : 0;
    }
    const std::size_t entries = panel.kernels.size() - impossible;
    const std::string rest = impossible > 0 ? fmt::format(", {} not possible", impossible) : "";
    if (none == entries) return {"values not computed" + rest, Colour::yellow};
    return {fmt::format("{} of {} pass", right, entries) + rest, right == entries ? Colour::green : Colour::red};
}

std::vector<Cell> row_of(const PanelResult& panel) {
    const KernelResult* best = fastest(panel);
    if (best == nullptr) {
        std::vector<Cell> row(9, Cell{"-", Colour::none});
        row.front() = {panel.name};
        row.back() = answers_cell(panel);
        return row;
    }
    return {{panel.name},
            {best->label},
            {grouped(best->cycles)},
            {in_words(best->time)},
            {panel.layers > 1 ? fmt::format("{} (x{})", in_words(best->time * panel.layers), panel.layers) : "-"},
            {fmt::format("{:.1f}", 100.0 * best->matrix_utilisation)},
            {best->machine_bound.time > Picoseconds() ? above(best->machine_distance) : "-"},
            {best->schedule_bound.time > Picoseconds() ? above(best->schedule_distance) : "-"},
            answers_cell(panel)};
}

std::string closing(const RunResult& run) {
    std::size_t entries = 0, pass = 0, wrong = 0, not_computed = 0, without_result = 0, less_certain = 0,
                impossible = 0;
    for (const auto& panel : run.panels) {
        for (const auto& kernel : panel.kernels) {
            ++entries;
            less_certain += kernel.cautions.empty() ? 0 : 1;
            if (kernel.status == Status::not_possible) {
                ++impossible;
            } else if (kernel.status != Status::ok) {
                ++without_result;
            } else if (!kernel.verdict.computed()) {
                ++not_computed;
            } else {
                ++(kernel.verdict.pass ? pass : wrong);
            }
        }
    }
    std::string out = fmt::format("{}: {} panels, {} entries, {} pass", run.name, run.panels.size(), entries, pass);
    if (wrong > 0) out += fmt::format(", {} FAIL", wrong);
    if (not_computed > 0) out += fmt::format(", {} without values", not_computed);
    if (without_result > 0) out += fmt::format(", {} without a result", without_result);
    if (impossible > 0) out += fmt::format(", {} not possible", impossible);
    if (less_certain > 0)
        out += fmt::format(", {} in less certain regimes (run the panel to see which)", less_certain);
    const auto jittered = std::count_if(run.panels.begin(), run.panels.end(), is_jittered);
    if (jittered > 0) out += fmt::format(", {} panels jittered, whose times are not the machine's", jittered);
    return out + fmt::format("; {:.1f} s with {} workers\n", run.wall_seconds, run.workers);
}

}  // namespace

const KernelResult* fastest(const PanelResult& panel) {
    const KernelResult* best = nullptr;
    for (const auto& kernel : panel.kernels) {
        if (is_good(kernel) && (best == nullptr || kernel.time < best->time)) best = &kernel;
    }
    return best;
}

std::string run_text(const RunResult& run, bool with_colour) {
    using Align = TextTable::Align;
    TextTable table({{"", "panel", Align::left},
                     {"", "fastest kernel", Align::left},
                     {"", "cycles"},
                     {"", "time"},
                     {"", "all layers, scaled"},
                     {"matrix", "peak%"},
                     {"above bound of", "machine"},
                     {"above bound of", "schedule"},
                     {"", "answers", Align::left}});
    for (const auto& panel : run.panels) table.add_row(row_of(panel));
    return table.text(with_colour) + closing(run);
}

}  // namespace tilemesh::report
