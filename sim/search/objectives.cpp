// SPDX-License-Identifier: Apache-2.0
#include "sim/search/objectives.h"

#include "sim/base/error.h"
#include "sim/base/names.h"
#include "sim/report/table.h"
#include "sim/run/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace tilemesh::search {
namespace {

/// A figure of the account of energy and area, which is kept where it is asked for.
bool is_of_account(const std::string& name) {
    const std::string metric = name.substr(0, name.find('.'));
    const auto named = [&](const char* one) { return metric == one; };
    const auto names = {"energy", "peak_power", "over_power_limit", "energy_delay", "area", "energy_of"};
    return std::any_of(names.begin(), names.end(), named);
}

/// Why a run has no such figure.
std::string why_unknown(const std::string& name) {
    if (name == "over_power_limit") return "needs a machine with a power_limit";
    if (is_of_account(name)) return "needs an account of energy: --set energy=true";
    if (name == "relative_l2" || name == "max_error" || name == "lse_error")
        return "answers are not computed in a search";
    return "its runs have no such figure";
}

std::optional<double> figure_of(const std::string& name, const report::KernelResult& result) {
    const run::Metric& metric = *run::find_metric(name);
    if (!metric.parts) return metric.of(result);
    const std::map<std::string, double> parts = metric.parts(result);
    const auto part = parts.find(name.substr(name.find('.') + 1));
    return part == parts.end() ? std::nullopt : std::optional(part->second);
}

bool beats(const Figures& a, std::size_t order_a, const Figures& b, std::size_t order_b) {
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] > b[i]) return false;
    return a != b || order_a < order_b;
}

}  // namespace

Objectives::Objectives(std::vector<std::string> names) : names_(std::move(names)) {
    std::vector<std::string> known;
    for (const run::Metric& metric : run::metrics())
        if (metric.better == run::Better::less) known.emplace_back(metric.name);
    std::set<std::string> seen;
    for (const std::string& name : names_) {
        const run::Metric* const metric = run::find_metric(name);
        if (!metric || metric->better != run::Better::less) {
            const auto near = nearest_name(name, known);
            fail<InputError>("--objective {}: expected one of {}{}", printable(name), list_of_names(known),
                             near ? fmt::format("; did you mean {}?", *near) : "");
        }
        if (!seen.insert(name).second) fail<InputError>("--objective: {} is here twice", name);
    }
    if (names_.empty()) fail<InputError>("--objective: expected one of {}", list_of_names(known));
}

std::string Objectives::missing(const report::KernelResult& result) const {
    if (!result.energy) return {};
    const report::AreaResult& area = result.energy->area;
    for (const std::string& name : names_) {
        if (figure_of(name, result) || !is_of_account(name)) continue;
        std::vector<std::string> keys = name == "area" ? area.missing : result.energy->missing;
        if (name == "area" && area.technology.empty()) keys = {"machine.area is missing"};
        if (keys.empty()) continue;
        return fmt::format("its {} is not known: {}{}", name, keys.front(),
                           keys.size() > 1 ? fmt::format("; and {} more", keys.size() - 1) : "");
    }
    return {};
}

Figures Objectives::of(const report::KernelResult& result) const {
    Figures figures;
    for (const std::string& name : names_) {
        const auto figure = figure_of(name, result);
        if (!figure)
            fail<InputError>("--objective {}: is not known of {}: {}", name, printable(result.label),
                             why_unknown(name));
        figures.push_back(*figure);
    }
    return figures;
}

Figures Objectives::least(const report::KernelResult& least) const {
    Figures figures;
    for (const std::string& name : names_) figures.push_back(figure_of(name, least).value_or(0.0));
    return figures;
}

std::string Objectives::less_than(const Figures& least, const Figures& figures) const {
    for (std::size_t k = 0; k < figures.size(); ++k)
        if (figures[k] < least[k])
            return fmt::format("its {} is {}, less than its bound of {}", names_[k], text(k, figures[k]),
                               text(k, least[k]));
    return {};
}

std::string Objectives::text(std::size_t objective, double figure) const {
    if (names_[objective] == "time") return report::in_words(Picoseconds(static_cast<std::uint64_t>(figure)));
    return run::find_metric(names_[objective])->text(figure);
}

void Front::add(Figures figures, std::size_t order) {
    if (rules_out(figures, order)) return;
    const auto place = std::find_if(members_.begin(), members_.end(), [&](const Member& member) {
        return std::tie(figures, order) < std::tie(member.figures, member.order);
    });
    members_.insert(place, {std::move(figures), order});
    const std::vector<Member> all = members_;
    std::erase_if(members_, [&](const Member& one) {
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const Member& other) {
                   return beats(other.figures, other.order, one.figures, one.order);
               })) >= depth_;
    });
}

bool Front::rules_out(const Figures& least, std::size_t order) const {
    return static_cast<std::size_t>(std::count_if(members_.begin(), members_.end(), [&](const Member& member) {
               return beats(member.figures, member.order, least, order);
           })) >= depth_;
}

}  // namespace tilemesh::search
