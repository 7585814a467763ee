// SPDX-License-Identifier: Apache-2.0
#include "sim/search/sweep.h"

#include "sim/base/error.h"
#include "sim/report/words.h"
#include "sim/run/tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

namespace tilemesh::search {
namespace {

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
                    if (settled(bench.store, point->key)) continue;  // somebody else was faster
                    const run::Panel panel = run::read_panel(bench.space.panel_of(point->point), bench.workloads);
                    bench.store.write(point->key, record_of(panel, *point, run_point(panel)));
                }
                return std::string();
            }};
}

/// What the store has of points that it did not have yet.
void look_up(std::vector<Row>& rows, const Store& store, std::vector<std::string>* doubts) {
    for (Row& row : rows) {
        if (!row.point.impossible.empty() || !row.record.is_null()) continue;
        if (auto found = known(store, row.point.key, doubts))
            row.record = {{"result", std::move(found->record.at("result"))}};
    }
}

int environment_number(const char* name) {
    const char* const text = std::getenv(name);
    int value = -1;
    if (text) std::from_chars(text, text + std::strlen(text), value);
    return value;
}

/// The place of a task in a job array of Slurm, whose numbers need neither begin at 0 nor follow each other: 0-14:2
/// has eight. None: this is none. InputError where the numbers do not say which place a task has, as of 1,2,7.
std::optional<Shard> shard_of_array() {
    const int task = environment_number("SLURM_ARRAY_TASK_ID"), count = environment_number("SLURM_ARRAY_TASK_COUNT");
    if (task < 0 || count < 1) return {};
    const int first = std::max(0, environment_number("SLURM_ARRAY_TASK_MIN"));
    const int step = std::max(1, environment_number("SLURM_ARRAY_TASK_STEP"));
    const int last = environment_number("SLURM_ARRAY_TASK_MAX");
    if (last >= 0 && (last - first) / step + 1 != count)
        fail<InputError>(
            "--shard auto: the array has {} tasks from {} to {}, where there are {} in steps of {}; expected tasks "
            "in equal steps, or --shard i/N",
            count, first, last, (last - first) / step + 1, step);
    const int index = (task - first) / step;
    if (task < first || (task - first) % step != 0 || index >= count)
        fail<InputError>(
            "--shard auto: SLURM_ARRAY_TASK_ID={} is not one of {} from {} on in steps of {}; give "
            "--shard i/N",
            task, count, first, step);
    return Shard{static_cast<std::size_t>(index), static_cast<std::size_t>(count)};
}

}  // namespace

Shard parse_shard(const std::string& text) {
    if (text == "auto") {
        if (const auto shard = shard_of_array()) return *shard;
        const std::pair<const char*, const char*> launchers[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                                                 {"PMI_RANK", "PMI_SIZE"}};
        for (const auto& [index_name, count_name] : launchers) {
            const int index = environment_number(index_name), count = environment_number(count_name);
            if (index < 0 || count < 1) continue;
            if (index < count) return {static_cast<std::size_t>(index), static_cast<std::size_t>(count)};
            fail<InputError>("--shard auto: {}={} is not one of {}; give --shard i/N", index_name, index, count);
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

std::vector<Keyed> keyed_points(const Space& space, const run::Workloads& workloads, std::vector<std::string>* idle) {
    std::vector<Keyed> points;
    std::set<std::string> seen;
    std::vector<std::string> said = space.for_each([&](const Point& point, const run::Resolved& panel) {
        Keyed one = keyed(space, point, panel, workloads);
        if (one.impossible.empty() && !seen.insert(one.key).second) return;
        points.push_back(std::move(one));
    });
    if (idle) *idle = std::move(said);
    return points;
}

SweepOutcome run_sweep(const Space& space, const run::Workloads& workloads, const Store& store,
                       const SweepOptions& options) {
    SweepOutcome outcome;
    const Bench bench{space, workloads, store};
    for (Keyed& point : keyed_points(space, workloads, &outcome.idle)) outcome.rows.push_back({std::move(point)});
    look_up(outcome.rows, store, &outcome.doubts);
    std::vector<const Row*> wanted;
    Group missing;
    const Json crashed = report::name_of(report::Status::crashed);
    for (Row& row : outcome.rows) {
        if (!row.point.impossible.empty() || !options.shard.has(row.point.key)) continue;
        ++outcome.points;
        if (!options.look_only && !row.record.is_null() && row.record.at("result").at("status") == crashed)
            row.record = {};  // run again
        if (!row.record.is_null()) {
            ++outcome.had;
            continue;
        }
        wanted.push_back(&row);
        missing.push_back(&row.point);
    }
    if (options.look_only) return outcome;
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
            if (settled(store, point->key)) continue;
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
        report::KernelResult died = not_run(panel.kernels.front(), report::Status::crashed, again.results[i].failure);
        died.internal = again.results[i].internal;
        store.write(lost[i]->key, record_of(panel, *lost[i], died));
    }
    look_up(outcome.rows, store, nullptr);
    for (const Row* row : wanted) outcome.ran += row->record.is_null() ? 0 : 1;
    return outcome;
}

}  // namespace tilemesh::search
