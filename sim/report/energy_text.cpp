// SPDX-License-Identifier: Apache-2.0
#include "sim/report/energy_text.h"

#include "sim/report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tilemesh::report {
namespace {

void add(std::vector<std::pair<std::string, double>>& sums, const std::string& name, double joules) {
    auto found = std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum.first == name; });
    if (found == sums.end()) found = sums.insert(found, {name, 0.0});
    found->second += joules;
}

std::string shares(const std::vector<std::pair<std::string, double>>& sums, double whole) {
    std::string text;
    for (const auto& [name, joules] : sums)
        text += fmt::format("{}{} {:.1f}%", text.empty() ? "" : ", ", name, 100.0 * joules / whole);
    return text;
}

/// "hbm" is the key of a kind of part, "HBM" its name.
std::string part_name(const std::string& kind) {
    if (kind == "sram") return "SRAM";
    if (kind == "hbm") return "HBM";
    if (kind == "link") return "links";
    if (kind == "die_to_die") return "die to die";
    if (kind == "port") return "ports";
    return kind == "router" ? "routers" : kind;
}

std::string power_text(const EnergyResult& energy) {
    std::string text =
        fmt::format("power: {:.4g} W on average, at most {:.4g} W (windows of {}, at {})", energy.average_w,
                    energy.peak_w, in_words(energy.window), in_words(energy.peak_at));
    if (energy.query_tokens > 0)
        text += fmt::format("; {} per query token", joules_in_words(energy.joules_per_query_token));
    return text + fmt::format("; energy-delay {:.4g} Js\n", energy.energy_delay_js);
}

std::string sources_text(const EnergyResult& energy) {
    std::string trust;
    for (const auto& [name, joules] : by_trust(energy))
        trust += fmt::format("{}{:.0f}% of {} trust", trust.empty() ? "" : ", ", 100.0 * joules / energy.joules,
                             name.empty() ? "unknown" : name);
    return fmt::format("its sources ({}) are in --json, each with the key that it is the source of\n", trust);
}

std::string account(const KernelResult& kernel) {
    const EnergyResult& energy = *kernel.energy;
    std::vector<std::pair<std::string, double>> kinds = by_kind(energy);
    std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (auto& kind : kinds) kind.first = part_name(kind.first);
    std::string text =
        fmt::format("energy of {} ({}): {}", kernel.label, energy.technology, joules_in_words(energy.joules));
    text += energy.joules > 0.0 ? fmt::format(" = {}\n", shares(kinds, energy.joules)) : "\n";
    if (kernel.time > Picoseconds()) text += power_text(energy);
    if (energy.joules > 0.0) text += sources_text(energy);
    return text;
}

std::string missing(const KernelResult& kernel) {
    constexpr std::size_t shown = 3;
    const std::vector<std::string>& keys = kernel.energy->missing;
    std::string text = fmt::format("energy of {} refused: {}", kernel.label,
                                   fmt::join(keys.begin(), keys.begin() + std::min(shown, keys.size()), "; "));
    if (keys.size() > shown) text += fmt::format("; and {} more", keys.size() - shown);
    return text + "\n";
}

std::string exceeded(const KernelResult& kernel, const PowerCheck& limit) {
    const std::string others = limit.parts > 1 ? fmt::format(" ({} such parts exceed it)", limit.parts) : "";
    return fmt::format(
        "power limit: {}: {} needs {:.4g} W at {}, {:.4g} W are allowed ({:+.1f}%), for {:.1f}% of the time{}; "
        "windows of at least {}\n",
        kernel.label, limit.of, limit.peak_w, in_words(limit.peak_at), limit.limit_w,
        100.0 * (limit.peak_w / limit.limit_w - 1.0),
        100.0 * static_cast<double>(limit.over.value()) / static_cast<double>(kernel.time.value()), others,
        in_words(limit.window));
}

std::string area_text(const AreaResult& area) {
    if (!area.missing.empty()) return fmt::format("area refused: {}\n", fmt::join(area.missing, "; "));
    if (area.parts.empty()) return "";
    std::vector<std::pair<std::string, double>> parts;
    for (const AreaPart& part : area.parts) add(parts, part_name(part.key.substr(part.key.find('.') + 1)), part.mm2);
    const std::string of_what = area.mm2 > 0.0 ? " = " + shares(parts, area.mm2) : "";
    return fmt::format("area ({}): {:.5g} mm2{}\n", area.technology, area.mm2, of_what);
}

}  // namespace

std::optional<Picoseconds> over_limits(const EnergyResult& energy) {
    std::optional<Picoseconds> longest;
    for (const PowerCheck& limit : energy.limits) longest = std::max(longest.value_or(Picoseconds()), limit.over);
    return longest;
}

std::vector<std::pair<std::string, double>> by_kind(const EnergyResult& energy) {
    std::vector<std::pair<std::string, double>> sums;
    for (const EnergyUse& use : energy.uses) add(sums, use.kind, use.joules);
    return sums;
}

std::vector<std::pair<std::string, double>> by_trust(const EnergyResult& energy) {
    std::vector<std::pair<std::string, double>> sums;
    for (const char* trust : {"high", "medium", "low", ""})
        for (const EnergyUse& use : energy.uses)
            if (use.trust == trust) add(sums, trust, use.joules);
    return sums;
}

void count_tokens(EnergyResult& energy, std::uint64_t query_tokens) {
    if (!energy.has_total() || query_tokens == 0) return;
    energy.query_tokens = query_tokens;
    energy.joules_per_query_token = energy.joules / static_cast<double>(query_tokens);
}

bool has_energy(const PanelResult& panel) {
    return std::any_of(panel.kernels.begin(), panel.kernels.end(),
                       [](const KernelResult& kernel) { return kernel.energy.has_value(); });
}

std::string joules_in_words(double joules) {
    struct Unit {
        const char* name;
        double joules;
    };
    constexpr Unit units[] = {{"J", 1.0}, {"mJ", 1e-3}, {"uJ", 1e-6}, {"nJ", 1e-9}, {"pJ", 1e-12}};
    for (const Unit& unit : units)
        if (joules >= unit.joules) return fmt::format("{:.4g} {}", joules / unit.joules, unit.name);
    return fmt::format("{:.4g} pJ", joules / 1e-12);
}

std::string energy_text(const PanelResult& panel) {
    const KernelResult* shown = nullptr;
    std::string refused;
    for (const KernelResult& kernel : panel.kernels) {
        if (kernel.status != Status::ok || !kernel.energy) continue;
        if (!kernel.energy->has_total()) {
            refused += missing(kernel);
            continue;
        }
        if (!shown || kernel.time < shown->time) shown = &kernel;
    }
    std::string text = shown ? account(*shown) : "";
    if (shown)
        for (const PowerCheck& limit : shown->energy->limits)
            if (limit.parts > 0) text += exceeded(*shown, limit);
    text += refused;
    for (const KernelResult& kernel : panel.kernels)
        if (kernel.energy) return text + area_text(kernel.energy->area);
    return text;
}

}  // namespace tilemesh::report
