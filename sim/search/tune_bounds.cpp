// SPDX-License-Identifier: Apache-2.0
#include "sim/search/tune_bounds.h"

#include "sim/base/error.h"
#include "sim/run/not_possible.h"

#include <algorithm>
#include <set>
#include <string>

namespace tilemesh::search {
namespace {

constexpr std::size_t bounds_together = 16;  // points of which a process finds the bounds

/// What points of equal work must have in common beside it.
std::string rest_of(Json panel) {
    for (const char* key : {"kernels", "ranks"}) panel.erase(key);
    return key_of(panel);
}

Json line_of(const Keyed& point) {
    return {{"key", point.key}, {"kernel", point.kernel}, {"repeat", point.repeat}, {"impossible", ""}};
}

/// Of one point: what a process hands back.
Json bounds_of(const Space& space, const run::Workloads& workloads, const Objectives& objectives,
               const Point& point) {
    const run::Resolved resolved = space.panel_of(point);
    Json line;
    try {
        const run::Panel panel = run::read_panel(resolved, workloads);
        line = line_of(keyed(space, point, panel));
        const run::Entry& entry = panel.kernels.front();
        const run::Bounds bounds = entry.workload->bounds(entry.number);
        line["least"] = objectives.least(bounds.least);
        if (!bounds.work.empty()) line["work"] = rest_of(panel.resolved) + " " + bounds.work;
    } catch (const InputError& error) {
        if (line.is_null()) line = line_of(keyed(space, point, resolved, workloads));
        const auto* const refused = dynamic_cast<const run::NotPossible*>(&error);
        line["impossible"] = refused ? refused->reason() : std::string(error.what());
    }
    return line;
}

void take_bounds(const Json& line, Candidate& point) {
    point.keyed.key = line.at("key");
    point.keyed.kernel = line.at("kernel");
    point.keyed.repeat = line.at("repeat");
    point.least = line.value("least", Figures());
    point.work = line.value("work", "");
    point.reason = line.at("impossible");
    if (!point.reason.empty()) point.fate = Fate::impossible;
}

/// Why the point cannot run with the panel's own values; empty: it can.
std::string why_without_values(const Space& space, const run::Workloads& workloads, Point point) {
    std::erase_if(point.settings, [](const run::Setting& setting) { return setting.where == without_values; });
    try {
        const run::Panel panel = run::read_panel(space.panel_of(point), workloads);
        const run::Entry& entry = panel.kernels.front();
        entry.workload->check(entry.number);
        entry.workload->check_inputs({entry.number});
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

bool find_bounds(const Space& space, const run::Workloads& workloads, const TuneOptions& options,
                 std::vector<Candidate>& points) {
    std::vector<run::Task> tasks;
    for (std::size_t begin = 0; begin < points.size(); begin += bounds_together)
        tasks.push_back({"bounds", [&, begin] {
                             Json all = Json::array();
                             for (std::size_t i = begin; i < std::min(begin + bounds_together, points.size()); ++i)
                                 all.push_back(
                                     bounds_of(space, workloads, options.objectives, points[i].keyed.point));
                             return all.dump(-1, ' ', false, Json::error_handler_t::replace);
                         }});
    const auto on_progress = [&](const run::Progress& progress) {
        if (options.on_progress)
            options.on_progress(
                {std::min(progress.finished * bounds_together, points.size()), points.size(), "finding bounds"});
    };
    const run::TasksOutcome outcome = run::run_tasks(tasks, options.workers, on_progress);
    if (outcome.interrupted) return true;
    for (std::size_t task = 0; task < tasks.size(); ++task) {
        const run::TaskResult& result = outcome.results[task];
        if (!result.failure.empty()) fail<InternalError>("finding bounds: {}", result.failure);
        const Json all = Json::parse(result.text);
        for (std::size_t i = 0; i < all.size(); ++i) take_bounds(all[i], points[task * bounds_together + i]);
    }
    return false;
}

bool check_values(const Space& space, const run::Workloads& workloads, const std::vector<Candidate>& points,
                  const std::vector<std::size_t>& order) {
    std::set<std::string> kernels;
    std::string first;
    for (const std::size_t i : order) {
        if (!kernels.insert(points[i].keyed.kernel).second) continue;
        const run::Task task{"values", [&] { return why_without_values(space, workloads, points[i].keyed.point); }};
        const run::TasksOutcome outcome = run::run_tasks({task}, 1, {});
        if (outcome.interrupted) return true;
        const run::TaskResult& result = outcome.results.front();
        if (!result.failure.empty() || result.text.empty()) return false;  // mostly the first of them can
        if (first.empty()) first = result.text;
    }
    if (first.empty()) return false;
    fail<InputError>(
        "no kernel can compute the values that the panel asks for, so that no answer could be checked (--set "
        "values.mode=none does without): {}",
        first);
}

}  // namespace tilemesh::search
