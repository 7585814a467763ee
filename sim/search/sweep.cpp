// SPDX-License-Identifier: Apache-2.0
#include "sim/search/sweep.h"

#include "sim/base/error.h"
#include "sim/report/result_json.h"
#include "sim/run/entry_process.h"
#include "sim/run/not_possible.h"
#include "sim/run/tasks.h"
#include "sim/run/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>

namespace tilemesh::search {
namespace {

/// For a shell: text in single quotes where it needs them.
std::string quoted(const std::string& text) {
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || strchr("_-./=+:,", c); };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
    std::string in_quotes = "'";
    for (const char c : text) in_quotes += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return in_quotes + "'";
}

std::string set_option(const run::Setting& setting) {
    const std::string value = setting.value.is_string() && !Json::accept(setting.value.get<std::string>())
                                  ? setting.value.get<std::string>()
                                  : setting.value.dump();
    return " --set " + quoted(setting.path + "=" + value);
}

/// A panel written in the sweep file has no name by which it could be run.
std::string repeat_of(const Space& space, const Point& point) {
    if (space.panel_name().empty()) return {};
    std::string command = "tilemesh run " + quoted(space.panel_name());
    for (const run::Setting& setting : space.settings()) command += set_option(setting);
    for (const run::Setting& setting : point.settings) command += set_option(setting);
    return command + " --kernel " + quoted(point.kernel_name);
}

/// A key, or why there is none.
Keyed keyed(const Space& space, const Point& point, const run::Resolved& resolved, const run::Workloads& workloads) {
    Keyed one{point, {}, point.kernel_name, repeat_of(space, point), {}};
    try {
        const run::Panel panel = run::read_panel(resolved, workloads);
        one.kernel = panel.kernels.front().label;
        one.key = key_of(panel.resolved);
    } catch (const InputError& error) {
        one.impossible = error.what();
    }
    return one;
}

report::KernelResult not_run(const run::Entry& entry, report::Status status, const std::string& why) {
    report::KernelResult result;
    result.kernel = entry.kernel;
    result.label = entry.label;
    result.status = status;
    result.error = why;
    return result;
}

report::KernelResult run_point(const run::Panel& panel) {
    const run::Entry& entry = panel.kernels.front();
    try {
        entry.workload->check(entry.number);
        entry.workload->check_inputs({entry.number});
    } catch (const run::NotPossible& error) {
        return not_run(entry, report::Status::not_possible, error.reason());
    } catch (const InputError& error) {
        return not_run(entry, report::Status::not_possible, error.what());
    }
    const run::PreparedPanel prepared(panel, 1);
    report::KernelResult result = run::run_entry(panel, entry, prepared.of(entry), {});
    result.host = {};
    result.components.clear();
    return result;
}

Json record_of(const run::Panel& panel, const Keyed& point, const report::KernelResult& result) {
    return {{"point", point.key},
            {"model", run::model_version()},
            {"repeat", point.repeat},
            {"panel", panel.resolved},
            // Without the host: the same bytes whoever ran it.
            {"result", report::kernel_to_json(result).at("result")}};
}

/// What the processes work with.
struct Bench {
    const Space& space;
    const run::Workloads& workloads;
    const Store& store;
};

using Group = std::vector<const Keyed*>;

/// What one process does: point after point, each on the disk before the next begins.
run::Task task_of(const Bench& bench, const Group& group) {
    return {bench.space.name() + "/" + group.front()->kernel, [&bench, group] {
                for (const Keyed* point : group) {
                    if (bench.store.has(point->key)) continue;  // somebody else was faster
                    const run::Panel panel = run::read_panel(bench.space.panel_of(point->point), bench.workloads);
                    bench.store.write(point->key, record_of(panel, *point, run_point(panel)));
                }
                return std::string();
            }};
}

int environment_number(const char* name) {
    const char* const text = std::getenv(name);
    int value = -1;
    if (text) std::from_chars(text, text + std::strlen(text), value);
    return value;
}

}  // namespace

Shard parse_shard(const std::string& text) {
    if (text == "auto") {
        const struct {
            const char *index, *count, *first;
        } launchers[] = {{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"},
                         {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr},
                         {"PMI_RANK", "PMI_SIZE", nullptr}};
        for (const auto& launcher : launchers) {
            const int index = environment_number(launcher.index), count = environment_number(launcher.count);
            const int first = launcher.first ? std::max(0, environment_number(launcher.first)) : 0;
            if (index < 0 || count < 1) continue;
            if (index - first >= 0 && index - first < count)
                return {static_cast<std::size_t>(index - first), static_cast<std::size_t>(count)};
            fail<InputError>("--shard auto: {}={} is not one of {} from {} on; give --shard i/N", launcher.index,
                             index, count, first);
        }
        fail<InputError>(
            "--shard auto: found none of SLURM_ARRAY_TASK_ID, OMPI_COMM_WORLD_RANK and PMI_RANK (with "
            "its count) in the environment; give --shard i/N");
    }
    Shard shard;
    const char* const end = text.data() + text.size();
    const auto [slash, bad_index] = std::from_chars(text.data(), end, shard.index);
    if (bad_index == std::errc() && slash != end && *slash == '/') {
        const auto [rest, bad_count] = std::from_chars(slash + 1, end, shard.count);
        if (bad_count == std::errc() && rest == end && shard.index < shard.count) return shard;
    }
    fail<InputError>("--shard {}: expected i/N with i from 0 to N-1, or auto", printable(text));
}

std::vector<Keyed> keyed_points(const Space& space, const run::Workloads& workloads) {
    std::vector<Keyed> points;
    std::set<std::string> seen;
    space.for_each([&](const Point& point, const run::Resolved& panel) {
        Keyed one = keyed(space, point, panel, workloads);
        if (one.impossible.empty() && !seen.insert(one.key).second) return;
        points.push_back(std::move(one));
    });
    return points;
}

SweepOutcome run_sweep(const Space& space, const run::Workloads& workloads, const Store& store,
                       const SweepOptions& options) {
    SweepOutcome outcome;
    const Bench bench{space, workloads, store};
    const std::vector<Keyed> points = keyed_points(space, workloads);
    Group missing;
    for (const Keyed& point : points) {
        if (!point.impossible.empty() || !options.shard.has(point.key)) continue;
        ++outcome.points;
        if (store.has(point.key))
            ++outcome.had;
        else
            missing.push_back(&point);
    }
    // Small points share a process, so that starting one costs little; no process has much of a worker's part.
    const auto workers = static_cast<std::size_t>(options.workers > 0 ? options.workers : 1);
    const std::size_t together = std::clamp<std::size_t>(missing.size() / (workers * 20), 1, 16);
    std::vector<Group> groups;
    std::vector<run::Task> tasks;
    for (std::size_t begin = 0; begin < missing.size(); begin += together) {
        const auto first = missing.begin() + static_cast<std::ptrdiff_t>(begin);
        groups.emplace_back(first, first + static_cast<std::ptrdiff_t>(std::min(together, missing.size() - begin)));
        tasks.push_back(task_of(bench, groups.back()));
    }
    const run::TasksOutcome ran = run::run_tasks(tasks, options.workers, options.on_progress);
    outcome.interrupted = ran.interrupted;
    // A point that took its process with it is run once more, alone, so that the others of its group lose nothing.
    Group lost;
    std::vector<run::Task> alone;
    for (std::size_t i = 0; i < tasks.size() && !outcome.interrupted; ++i) {
        if (ran.results[i].failure.empty()) continue;
        for (const Keyed* point : groups[i]) {
            if (store.has(point->key)) continue;
            alone.push_back(task_of(bench, {point}));
            lost.push_back(point);
        }
    }
    const run::TasksOutcome again = run::run_tasks(alone, options.workers, options.on_progress);
    outcome.interrupted = outcome.interrupted || again.interrupted;
    for (std::size_t i = 0; i < alone.size() && !again.interrupted; ++i) {
        if (again.results[i].failure.empty()) continue;
        if (again.results[i].stopped) {
            ++outcome.stopped;
            continue;
        }
        const run::Panel panel = run::read_panel(space.panel_of(lost[i]->point), workloads);
        report::KernelResult died = not_run(panel.kernels.front(), report::Status::failed, again.results[i].failure);
        died.internal = again.results[i].internal;
        store.write(lost[i]->key, record_of(panel, *lost[i], died));
    }
    for (const Keyed* point : missing) outcome.ran += store.has(point->key) ? 1 : 0;
    return outcome;
}

}  // namespace tilemesh::search
