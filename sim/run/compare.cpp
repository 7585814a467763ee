// SPDX-License-Identifier: Apache-2.0
// Matching and comparing entries of two result files.
#include "sim/run/compare.h"

#include "sim/report/text_table.h"
#include "sim/report/words.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace tilemesh::run {
namespace {

struct Entry {
    const report::PanelResult* panel;
    const report::KernelResult* kernel;
};

std::vector<Entry> entries_of(const report::RunResult& run) {
    std::vector<Entry> entries;
    for (const auto& panel : run.panels) {
        for (const auto& kernel : panel.kernels) entries.push_back({&panel, &kernel});
    }
    return entries;
}

const Entry* find(const std::vector<Entry>& entries, const Entry& wanted) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
        return entry.panel->name == wanted.panel->name && entry.kernel->label == wanted.kernel->label;
    });
    return found == entries.end() ? nullptr : &*found;
}

/// "ok, pass"
std::string state_of(const report::KernelResult& kernel) {
    if (kernel.status != report::Status::ok) return name_of(kernel.status);
    return report::outcome_of(kernel.verdict);
}

struct Quantity {
    const char* name;
    double (*of)(const report::KernelResult&);
};

// What is compared as a number. Adding one is adding a line.
constexpr Quantity quantities[] = {
    {"cycles", [](const report::KernelResult& k) { return k.cycles; }},
    {"matrix_utilisation", [](const report::KernelResult& k) { return k.matrix_utilisation; }},
    {"hbm_bytes", [](const report::KernelResult& k) { return static_cast<double>(k.hbm_bytes.value()); }},
    {"busiest_link_bytes",
     [](const report::KernelResult& k) { return static_cast<double>(k.busiest_link.bytes.value()); }},
    {"commands", [](const report::KernelResult& k) { return static_cast<double>(k.commands); }},
    {"machine_bound_ps",
     [](const report::KernelResult& k) { return static_cast<double>(k.machine_bound.time.value()); }},
    {"schedule_bound_ps",
     [](const report::KernelResult& k) { return static_cast<double>(k.schedule_bound.time.value()); }},
};

double relative_change(double before, double after) {
    if (before == after) return 0.0;
    return before == 0.0 ? std::copysign(HUGE_VAL, after) : after / before - 1.0;
}

void compare_entry(const Entry& before, const Entry& after, double tolerance, std::vector<Difference>& out) {
    const auto& panel = before.panel->name;
    const auto& label = before.kernel->label;
    if (state_of(*before.kernel) != state_of(*after.kernel))
        out.push_back({panel, label, "verdict", state_of(*before.kernel), state_of(*after.kernel), 0.0, true});
    if (before.kernel->status != report::Status::ok || after.kernel->status != report::Status::ok) return;
    for (const auto& quantity : quantities) {
        const double old_value = quantity.of(*before.kernel), new_value = quantity.of(*after.kernel);
        const double change = relative_change(old_value, new_value);
        if (change == 0.0) continue;
        out.push_back({panel, label, quantity.name, fmt::format("{:.10g}", old_value),
                       fmt::format("{:.10g}", new_value), change, std::abs(change) > tolerance});
    }
}

std::string percent(double change) {
    if (change == 0.0) return "";
    return std::isfinite(change) ? fmt::format("{:+.3f}%", 100.0 * change) : "from 0";
}

}  // namespace

bool Comparison::fails() const {
    return std::any_of(differences.begin(), differences.end(), [](const auto& d) { return d.past_tolerance; });
}

Comparison compare(const report::RunResult& before, const report::RunResult& after, double tolerance) {
    const auto old_entries = entries_of(before), new_entries = entries_of(after);
    Comparison comparison;
    for (const auto& entry : old_entries) {
        if (const Entry* match = find(new_entries, entry)) {
            compare_entry(entry, *match, tolerance, comparison.differences);
            ++comparison.entries;
        } else {
            comparison.differences.push_back(
                {entry.panel->name, entry.kernel->label, "entry", state_of(*entry.kernel), "missing", 0.0, true});
        }
    }
    for (const auto& entry : new_entries) {
        if (find(old_entries, entry) != nullptr) continue;
        comparison.differences.push_back(
            {entry.panel->name, entry.kernel->label, "entry", "missing", state_of(*entry.kernel), 0.0, false});
    }
    return comparison;
}

std::string comparison_text(const Comparison& comparison, double tolerance, bool with_colour) {
    using Align = report::TextTable::Align;
    std::string out;
    std::size_t past = 0;
    if (!comparison.differences.empty()) {
        report::TextTable table({{"", "panel", Align::left},
                                 {"", "kernel", Align::left},
                                 {"", "what", Align::left},
                                 {"", "old"},
                                 {"", "new"},
                                 {"", "change"}});
        for (const auto& d : comparison.differences) {
            const auto colour = d.past_tolerance ? report::Colour::red : report::Colour::none;
            table.add_row(
                {{d.panel}, {d.label}, {d.what}, {d.before}, {d.after, colour}, {percent(d.change), colour}});
            past += d.past_tolerance ? 1 : 0;
        }
        out = table.text(with_colour);
    }
    return out + fmt::format("{} entries compared, {} differences, {} past the tolerance of {}%.\n",
                             comparison.entries, comparison.differences.size(), past, 100.0 * tolerance);
}

}  // namespace tilemesh::run
