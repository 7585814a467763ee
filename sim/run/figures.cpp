// SPDX-License-Identifier: Apache-2.0
// The list of metrics, and taking them from a result.
#include "sim/run/figures.h"

#include "sim/base/shared_files.h"
#include "sim/report/energy_text.h"
#include "sim/report/table.h"
#include "sim/report/words.h"

#include <fmt/core.h>

#include <cmath>

namespace tilemesh::run {
namespace {

using report::KernelResult;
using Number = std::optional<double>;
using Parts = std::map<std::string, double>;

double number(Picoseconds time) { return static_cast<double>(time.value()); }
double number(Bytes bytes) { return static_cast<double>(bytes.value()); }

/// Time over a bound: 1 is on it. Ratios and not distances are compared, so that they move as the time does.
Number over(const KernelResult& kernel, const report::BoundResult& bound) {
    if (bound.time == Picoseconds()) return {};
    return number(kernel.time) / number(bound.time);
}
Number known(const report::BoundResult& bound) {
    return bound.time == Picoseconds() ? Number() : Number(number(bound.time));
}
Number error(const KernelResult& kernel, double value) {
    return kernel.verdict.computed() ? Number(value) : Number();
}

/// Of all parts of a kind together: which engine has more to do than before.
Parts busy_by_kind(const KernelResult& kernel) {
    Parts busy;
    for (const auto& part : kernel.components) busy[part.kind] += number(part.busy);
    return busy;
}

/// Of all engines that compute and all command processors: which of them waits for what longer than before.
Parts account_by_kind(const KernelResult& kernel) {
    Parts account;
    for (const auto& part : kernel.components) {
        if (part.kind != "matrix" && part.kind != "vector" && part.kind != "processor") continue;
        for (const auto& one : part.account) account[part.kind + ": " + one.name] += number(one.time);
    }
    return account;
}

Number of_energy(const KernelResult& kernel, double report::EnergyResult::*figure) {
    return kernel.energy && kernel.energy->has_total() ? Number((*kernel.energy).*figure) : Number();
}

Number over_power_limit(const KernelResult& kernel) {
    const auto over = kernel.energy ? report::over_limits(*kernel.energy) : std::nullopt;
    return over ? Number(number(*over)) : Number();
}

Number of_area(const KernelResult& kernel) {
    const bool known =
        kernel.energy && !kernel.energy->area.technology.empty() && kernel.energy->area.missing.empty();
    return known ? Number(kernel.energy->area.mm2) : Number();
}

/// Where it goes, by kind of part.
Parts energy_by_kind(const KernelResult& kernel) {
    if (!kernel.energy || !kernel.energy->has_total()) return {};
    const auto kinds = report::by_kind(*kernel.energy);
    return {kinds.begin(), kinds.end()};
}

std::string nanoseconds(double picoseconds) { return fmt::format("{:.13g} ns", picoseconds / 1e3); }
std::string count(double value) { return report::grouped(value); }
std::string ratio(double value) {
    return value < 10.0 ? fmt::format("+{:.2f}%", 100.0 * (value - 1.0)) : fmt::format("{:.2f}x", value);
}
std::string share(double value) { return fmt::format("{:.2f}%", 100.0 * value); }
std::string small(double value) { return fmt::format("{:.4g}", value); }
std::string joules(double value) { return report::joules_in_words(value); }
std::string watts(double value) { return fmt::format("{:.4g} W", value); }

// Adding a metric is adding a line; of one with parts (waiting by its reason, say) every part is compared.
constexpr Metric list[] = {
    {"time", Better::less, true, "", "from the start until the last PE has finished",
     [](const KernelResult& k) { return Number(number(k.time)); }, nullptr, nanoseconds, "ps"},
    {"hbm_bytes", Better::less, true, "", "bytes moved by all HBM slices",
     [](const KernelResult& k) { return Number(number(k.hbm_bytes)); }, nullptr, count, "B"},
    {"link_bytes", Better::less, true, "", "bytes of the busiest link",
     [](const KernelResult& k) { return Number(number(k.busiest_link.bytes)); }, nullptr, count, "B"},
    {"hop_bytes", Better::less, true, "", "bytes of all links together",
     [](const KernelResult& k) { return Number(number(k.hop_bytes)); }, nullptr, count, "B"},
    {"relative_l2", Better::less, true, "", "error of the answer against the f64 reference",
     [](const KernelResult& k) { return error(k, k.verdict.relative_l2); }, nullptr, small},
    {"machine_distance", Better::less, true, "time", "time over the machine bound",
     [](const KernelResult& k) { return over(k, k.machine_bound); }, nullptr, ratio},
    {"schedule_distance", Better::less, true, "time", "time over the schedule bound",
     [](const KernelResult& k) { return over(k, k.schedule_bound); }, nullptr, ratio},
    {"matrix_utilisation", Better::more, true, "time", "multiply-accumulates done over what the matrix engines could",
     [](const KernelResult& k) { return Number(k.matrix_utilisation); }, nullptr, share},
    {"max_error", Better::less, false, "", "greatest absolute error",
     [](const KernelResult& k) { return error(k, k.verdict.max_error); }, nullptr, small},
    {"lse_error", Better::less, false, "", "greatest error of lse",
     [](const KernelResult& k) { return error(k, k.verdict.lse_error); }, nullptr, small},
    {"energy", Better::less, true, "", "energy of the run, when it was accounted for",
     [](const KernelResult& k) { return of_energy(k, &report::EnergyResult::joules); }, nullptr, joules, "J"},
    {"peak_power", Better::less, false, "", "greatest mean power of a window of time",
     [](const KernelResult& k) { return of_energy(k, &report::EnergyResult::peak_w); }, nullptr, watts, "W"},
    {"over_power_limit", Better::less, false, "", "time above a limit of power, when the machine has one",
     over_power_limit, nullptr, nanoseconds, "ps"},
    {"energy_delay", Better::less, false, "", "energy x time, when energy was accounted for, in Js",
     [](const KernelResult& k) { return of_energy(k, &report::EnergyResult::energy_delay_js); }, nullptr, small,
     "Js"},
    {"area", Better::less, false, "", "of the machine in mm2, when energy was accounted for", of_area, nullptr, small,
     "mm2"},
    {"energy_of", Better::neither, false, "", "energy by kind of part: energy_of.matrix, energy_of.static, ...",
     nullptr, energy_by_kind, joules, "J"},
    {"commands", Better::neither, false, "", "tile commands of all PEs",
     [](const KernelResult& k) { return Number(static_cast<double>(k.commands)); }, nullptr, count},
    {"sram_bytes", Better::less, false, "", "taken in the SRAM of the fullest PE, at its fullest",
     [](const KernelResult& k) { return k.sram_peak == Bytes() ? Number() : Number(number(k.sram_peak)); }, nullptr,
     count, "B"},
    {"work_imbalance", Better::less, false, "", "work of the busiest rank over that of the mean one",
     [](const KernelResult& k) { return Number(k.work_imbalance); }, nullptr, small},
    {"machine_bound", Better::neither, false, "", "what no schedule can beat on this machine",
     [](const KernelResult& k) { return known(k.machine_bound); }, nullptr, nanoseconds, "ps"},
    {"schedule_bound", Better::neither, false, "", "what no execution of this schedule can beat",
     [](const KernelResult& k) { return known(k.schedule_bound); }, nullptr, nanoseconds, "ps"},
    {"busy", Better::neither, false, "", "time at work of all parts of a kind: busy.matrix, busy.hbm, ...", nullptr,
     busy_by_kind, nanoseconds, "ps"},
    {"account", Better::neither, false, "",
     "time of all matrix engines, vector engines and command processors by class: account.vector: operand from HBM, "
     "...",
     nullptr, account_by_kind, nanoseconds, "ps"},
};

Figures figures_of(const KernelResult& kernel) {
    Figures figures;
    figures.label = kernel.label;
    figures.kernel = kernel.kernel;
    figures.ran = kernel.status == report::Status::ok;
    figures.state = figures.ran ? report::outcome_of(kernel.verdict) : report::name_of(kernel.status);
    for (const auto& option : kernel.options) figures.options.insert(option);
    if (!figures.ran) return figures;
    for (const Metric& metric : list) {
        if (metric.parts) {
            for (const auto& part : metric.parts(kernel))
                figures.numbers[fmt::format("{}.{}", metric.name, part.first)] = part.second;
        } else if (const Number value = metric.of(kernel)) {
            figures.numbers[metric.name] = *value;
        }
    }
    figures.words = {{"machine_bound", kernel.machine_bound.binding},
                     {"schedule_bound", kernel.schedule_bound.binding},
                     {"busiest link", kernel.busiest_link.path},
                     {"bound", kernel.bound}};
    return figures;
}

}  // namespace

std::span<const Metric> metrics() { return list; }

std::vector<std::string> metric_names() {
    std::vector<std::string> names;
    for (const Metric& metric : list) names.emplace_back(metric.name);
    return names;
}

const Metric* find_metric(std::string_view number) {
    const std::string_view name = number.substr(0, number.find('.'));
    for (const Metric& metric : list) {
        if (metric.name == name && (metric.parts != nullptr) == (name.size() < number.size())) return &metric;
    }
    return nullptr;
}

namespace {

/// Files that come with tilemesh have the names that they have beside its configurations, wherever it lies.
void name_shared_files(Json& json, const std::string& root) {
    for (auto part = json.begin(); part != json.end(); ++part) {
        if (part->is_structured()) name_shared_files(*part, root);
        if (!part->is_string()) continue;
        const std::string text = part->get<std::string>();
        if (text.starts_with(root)) *part = text.substr(root.size());
    }
}

}  // namespace

Snapshot snapshot_of(const report::RunResult& run) {
    Snapshot snapshot{run.name, {}};
    const std::string root = shared_folder("configs").parent_path().lexically_normal().string() + "/";
    for (const auto& panel : run.panels) {
        PanelFigures& figures = snapshot.panels.emplace_back(PanelFigures{panel.name, panel.configuration, {}});
        if (figures.configuration.is_object()) {
            figures.configuration.erase("name");
            figures.configuration.erase("description");
            name_shared_files(figures.configuration, root);
        }
        for (const auto& kernel : panel.kernels) figures.entries.push_back(figures_of(kernel));
    }
    return snapshot;
}

}  // namespace tilemesh::run
