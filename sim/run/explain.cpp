// SPDX-License-Identifier: Apache-2.0
#include "sim/run/explain.h"

#include "sim/base/error.h"
#include "sim/insight/moment.h"
#include "sim/report/explanation.h"
#include "sim/report/result_json.h"
#include "sim/report/summary.h"
#include "sim/run/tasks.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

namespace tilemesh::run {
namespace {

/// A change with the panel on the machine that it makes.
struct Changed {
    WhatIf change;
    Resolved resolved;
    std::optional<Panel> panel;
    std::string impossible;  // why there is none
};

std::vector<Changed> change_all(const Resolved& panel, const Workloads& workloads, const ExplainOptions& options) {
    std::vector<Changed> all;
    const bool asked = !options.changes.empty();
    for (const WhatIf& change : asked ? options.changes : every_resource(panel)) {
        Changed& changed = all.emplace_back(Changed{change, with_change(panel, change), {}, {}});
        try {
            changed.panel = read_panel(changed.resolved, workloads);
        } catch (const InputError& error) {
            if (asked) throw;
            changed.impossible = error.what();
        }
    }
    // A machine that cannot be doubled in this way is no news.
    if (!asked) std::erase_if(all, [](const Changed& changed) { return !changed.panel; });
    return all;
}

/// Do the PEs, slices and links of one stand for those of the other?
bool alike(const machine::MachineConfig& a, const machine::MachineConfig& b) {
    const auto same = [](const noc::GridConfig& x, const noc::GridConfig& y) {
        return x.kind == y.kind && x.rows == y.rows && x.cols == y.cols;
    };
    const auto same_links = [&](const noc::SubnetworkConfig& x, const noc::SubnetworkConfig& y) {
        return same(x.pes_in_cube, y.pes_in_cube) && same(x.cubes, y.cubes) && x.routing == y.routing &&
               x.port.has_value() == y.port.has_value() && x.connections_per_side == y.connections_per_side;
    };
    const auto of_a = a.network.networks(), of_b = b.network.networks();
    return std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), same_links) &&
           a.network.router.multicast == b.network.router.multicast;
}

/// What the graph of a run on `a` can tell about `b`: where a queue or the SRAM is smaller than in the run, who waits
/// for it there did not wait here. And a kernel that is cut to the SRAM is another one in a larger.
bool can_estimate(const Entry& entry, const machine::MachineConfig& a, const machine::MachineConfig& b) {
    return alike(a, b) && b.pe.queue_depth >= a.pe.queue_depth &&
           (entry.workload->fills_the_sram() ? b.pe.sram == a.pe.sram : b.pe.sram >= a.pe.sram);
}

report::KernelResult run_alone(const Entry& entry, const Wanted& wanted) {
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    report::KernelResult result = entry.workload->run(entry.number, *prepared, wanted).result;
    result.kernel = entry.kernel;
    result.label = entry.label;
    report::summarise(result);
    report::check_physics(result);
    return result;
}

std::string text_of(const report::KernelResult& result) {
    return report::kernel_to_json(result).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The measured run of one entry, with as many of the changes as are followed at once, from `first` on.
Task follow(const Panel& panel, const Entry& entry, const std::vector<Changed>& changes, std::size_t first) {
    if (!entry.workload->can_be_followed())
        return {panel.name + "/" + entry.label, [&entry] { return text_of(run_alone(entry, {})); }};
    Wanted wanted{.account = true, .critical_path = true};
    for (std::size_t i = first; i < std::min(changes.size(), first + insight::most_clocks - 1); ++i)
        if (changes[i].panel && can_estimate(entry, panel.machine, changes[i].panel->machine))
            wanted.estimates.push_back({changes[i].change.text, changes[i].panel->machine});
    return {panel.name + "/" + entry.label, [&entry, wanted] { return text_of(run_alone(entry, wanted)); }};
}

report::KernelResult unfinished(const Entry& entry, const TaskResult& result) {
    report::KernelResult kernel;
    kernel.kernel = entry.kernel;
    kernel.label = entry.label;
    kernel.status = result.interrupted ? report::Status::interrupted : report::Status::failed;
    kernel.internal = result.internal;
    if (!result.interrupted) kernel.error = result.failure;
    return kernel;
}

report::KernelResult read_back(const Entry& entry, const TaskResult& result) {
    if (!result.failure.empty()) return unfinished(entry, result);
    return report::read_kernel_result(Json::parse(result.text), entry.label);
}

/// Beyond that an estimate is far from what was followed: on such a machine a kernel may order its commands anew.
constexpr double far_from_measured = 1.25;

/// As an estimate has it; what could not be estimated may be anything.
double promise_of(const report::KernelResult& kernel, const report::WhatIf& change) {
    return change.estimated ? report::gain_of(kernel, change) : 1e9;
}

/// The changes that are run first: the `proofs` that promise most, and all whose estimates are not to be relied on;
/// all of a run that cannot be followed, since nothing is known of them.
std::vector<std::size_t> promising(const report::KernelResult& kernel, std::size_t proofs, bool chosen) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < kernel.what_if.size(); ++i)
        if (kernel.what_if[i].impossible.empty()) order.push_back(i);
    const auto promise = [&](std::size_t i) { return promise_of(kernel, kernel.what_if[i]); };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return promise(a) > promise(b); });
    if (!kernel.critical_path) return order;
    if (!chosen) std::erase_if(order, [&](std::size_t i) { return promise(i) < 1.001; });
    std::vector<std::size_t> first;
    std::size_t estimated = 0;
    for (const std::size_t i : order) {
        const bool far = promise(i) > far_from_measured || promise(i) * far_from_measured < 1.0;
        // What the path knows nothing of does not move it.
        const bool unmoved = chosen && std::abs(promise(i) - 1.0) < 0.001;
        if (far || unmoved || estimated < proofs) first.push_back(i);
        estimated += kernel.what_if[i].estimated ? 1 : 0;
    }
    return first;
}

/// Those that were not run and promise more than the best that was.
std::vector<std::size_t> still_promising(const report::KernelResult& kernel) {
    const report::WhatIf* const best = report::best_proved(kernel);
    const double gain = best ? report::gain_of(kernel, *best) : 1.0;
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < kernel.what_if.size(); ++i) {
        const report::WhatIf& change = kernel.what_if[i];
        if (!change.proved && change.impossible.empty() && promise_of(kernel, change) > gain * 1.001)
            left.push_back(i);
    }
    return left;
}

Entry& entry_of(Panel& panel, const std::string& label) {
    return *std::find_if(panel.kernels.begin(), panel.kernels.end(),
                         [&](const Entry& entry) { return entry.label == label; });
}

}  // namespace

Explained explain(const Resolved& resolved, const Workloads& workloads, const ExplainOptions& options) {
    Resolved untimed = resolved;
    apply_setting(untimed, {"values.mode", "none", "explain"});
    Panel panel = read_panel(untimed, workloads);
    if (!options.kernels.empty())
        std::erase_if(panel.kernels, [&](const Entry& entry) {
            return std::find(options.kernels.begin(), options.kernels.end(), entry.label) == options.kernels.end();
        });
    if (panel.jitter)
        fail<InputError>("{}: the panel's times are jittered: random latencies have no explanation", panel.name);
    if (panel.steady) fail<InputError>("{}: the panel is steady: what is passed over has no explanation", panel.name);
    mark_impossible(panel);
    std::vector<Changed> changes = change_all(untimed, workloads, options);

    Explained explained;
    explained.panel.name = panel.name;
    explained.panel.description = panel.describe();
    explained.panel.configuration = panel.resolved;
    explained.panel.seed = panel.values.seed;
    explained.panel.layers = panel.layers;
    std::vector<Task> tasks;
    std::vector<const Entry*> of_task;
    for (const Entry& entry : panel.kernels) {
        if (!entry.not_possible.empty()) continue;
        const std::size_t at_once =
            entry.workload->can_be_followed() ? insight::most_clocks - 1 : std::max<std::size_t>(1, changes.size());
        for (std::size_t first = 0; first == 0 || first < changes.size(); first += at_once) {
            tasks.push_back(follow(panel, entry, changes, first));
            of_task.push_back(&entry);
        }
    }
    const TasksOutcome followed = run_tasks(tasks, options.workers, options.on_progress);
    explained.interrupted = followed.interrupted;
    std::map<const Entry*, report::KernelResult> results;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        report::KernelResult result = read_back(*of_task[i], followed.results[i]);
        const auto [known, is_new] = results.try_emplace(of_task[i], result);
        if (!is_new)
            known->second.what_if.insert(known->second.what_if.end(), result.what_if.begin(), result.what_if.end());
    }
    // Every change has its place, whether it was estimated or not.
    for (auto& [entry, result] : results) {
        std::vector<report::WhatIf> all;
        for (const Changed& changed : changes) {
            report::WhatIf& one = all.emplace_back(report::WhatIf{changed.change.text, {}, {}, changed.impossible});
            for (const report::WhatIf& estimate : result.what_if)
                if (estimate.change == one.change) one.estimated = estimate.estimated;
        }
        result.what_if = std::move(all);
    }

    const auto prove = [&](const auto& chosen_of) {
        std::vector<Task> proving;
        std::vector<report::WhatIf*> proofs;
        for (auto& [entry, result] : results) {
            if (result.status != report::Status::ok || explained.interrupted) continue;
            for (const std::size_t i : chosen_of(result)) {
                Entry& there = entry_of(*changes[i].panel, entry->label);
                try {
                    there.workload->check(there.number);
                } catch (const InputError& error) {
                    result.what_if[i].impossible = error.what();
                    continue;
                }
                proving.push_back({fmt::format("{}/{} with {}", panel.name, entry->label, changes[i].change.text),
                                   [&there] { return text_of(run_alone(there, {})); }});
                proofs.push_back(&result.what_if[i]);
            }
        }
        const TasksOutcome proved = run_tasks(proving, options.workers, options.on_progress);
        explained.interrupted = explained.interrupted || proved.interrupted;
        for (std::size_t i = 0; i < proofs.size(); ++i) {
            const TaskResult& result = proved.results[i];
            if (result.interrupted) continue;  // nobody knows whether it can be run
            if (!result.failure.empty())
                proofs[i]->impossible = result.failure;
            else
                proofs[i]->proved = report::read_kernel_result(Json::parse(result.text), "proof").time;
        }
    };
    const bool chosen = !options.changes.empty();
    prove([&](const report::KernelResult& result) { return promising(result, options.proofs, chosen); });
    if (!chosen && options.proofs > 0) prove(still_promising);
    for (const Entry& entry : panel.kernels) {
        if (entry.not_possible.empty()) {
            explained.panel.kernels.push_back(std::move(results.at(&entry)));
            continue;
        }
        report::KernelResult& result = explained.panel.kernels.emplace_back();
        result.kernel = entry.kernel;
        result.label = entry.label;
        result.status = report::Status::not_possible;
        result.error = entry.not_possible;
    }
    return explained;
}

}  // namespace tilemesh::run
