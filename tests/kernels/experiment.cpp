// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/experiment.h"

#include "kernels/all.h"
#include "sim/base/error.h"
#include "sim/report/summary.h"
#include "sim/run/panel.h"
#include "sim/workloads/attention/arrangement.h"
#include "sim/workloads/attention/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kernel_test {

std::vector<std::string> exact_kernels() {
    std::vector<std::string> names;
    for (const attention::Kernel& kernel : kernels::all()) {
        if (kernel.exact && kernel.pass == attention::Schedule::Pass::forward) names.emplace_back(kernel.name);
    }
    return names;
}

std::vector<std::string> backward_kernels() {
    std::vector<std::string> names;
    for (const attention::Kernel& kernel : kernels::all())
        if (kernel.pass == attention::Schedule::Pass::backward) names.emplace_back(kernel.name);
    return names;
}

std::vector<std::string> exact_kernels_on_line(int n) {
    const Experiment experiment(panel_of(line_of(n), distinct_problem("full"), exact_kernels()));
    std::vector<std::string> names;
    for (const std::size_t kernel : experiment.accepted()) names.push_back(experiment.choice(kernel).kernel);
    return names;
}

Json line_of(int n, const std::string& machine) {
    return {{"base", "machines/" + machine + ".json"}, {"cube", {{"topology", "line"}, {"rows", 1}, {"cols", n}}}};
}

Json distinct_problem(const std::string& mask, int group) {
    return {{"heads_q", 2 * group},    {"heads_kv", 2},  {"head_dim", 24},
            {"value_dim", 40},         {"dtype", "f16"}, {"users", Json::array({{{"keys", 97}, {"queries", 53}}})},
            {"mask", {{"kind", mask}}}};
}

Json panel_of(const Json& machine, const Json& problem, const Json& kernels) {
    return {{"name", "test"},
            {"machine", machine},
            {"problem", problem},
            {"kernels", kernels},
            {"values", {{"mode", "full"}}}};
}

namespace {

workloads::AttentionPanel read(const Json& json) {
    static const workloads::AttentionKind kind(kernels::all());
    const run::Panel panel = run::read_panel(run::resolve_panel_object(json, "test", TILEMESH_CONFIGS), {&kind});
    return dynamic_cast<const workloads::AttentionWorkload&>(*panel.kernels.front().workload).panel();
}

attention::Kernel kernel_named(const std::string& name) {
    for (const attention::Kernel& kernel : kernels::all()) {
        if (kernel.name == name) return kernel;
    }
    throw std::runtime_error("no kernel " + name);
}

}  // namespace

Experiment::Experiment(const Json& json, std::shared_ptr<const attention::Mask> mask) {
    static const attention::Kernels all = kernels::all();
    workloads::AttentionPanel panel = read(json);
    if (mask) panel.problem.mask = std::move(mask);
    workload_ = std::make_unique<const workloads::AttentionWorkload>(std::move(panel), all);
}

workloads::Arrangement Experiment::arrangement(std::size_t kernel) const {
    return workloads::arrange(panel(), choice(kernel), kernel_named(choice(kernel).kernel));
}

std::vector<std::size_t> Experiment::accepted() const {
    std::vector<std::size_t> list;
    for (std::size_t kernel = 0; kernel < kernels(); ++kernel) {
        try {
            arrangement(kernel);
        } catch (const InputError& error) {
            if (std::string(error.what()).find(" cannot run this: ") != std::string::npos) continue;
        }
        list.push_back(kernel);  // other refusals show when it is run
    }
    return list;
}

void Experiment::prepare() {
    if (prepared_) return;
    std::vector<std::size_t> all(kernels());
    std::iota(all.begin(), all.end(), std::size_t{0});
    prepared_ = workload_->prepare(all, 2);
}

void Experiment::share_values(Experiment& other) {
    other.prepare();
    prepared_ = other.prepared_;
}

Ran Experiment::run(std::size_t kernel) {
    workload_->check(kernel);
    prepare();
    const bool values = panel().values.mode != ValueMode::none;
    run::EntryOutcome outcome = workload_->run(kernel, *prepared_, {values, true});
    report::check_physics(outcome.result);
    Ran ran{std::move(outcome.result), {}};
    for (run::NamedTensor& tensor : outcome.outputs) ran.outputs[tensor.name] = std::move(tensor.values);
    return ran;
}

Simulated simulate(const Experiment& experiment, std::size_t kernel, bool reverse_construction) {
    const workloads::AttentionPanel& panel = experiment.panel();
    const attention::Kernel text = kernel_named(experiment.choice(kernel).kernel);
    const workloads::Arrangement a = experiment.arrangement(kernel);
    machine::Simulation simulation(panel.machine, {.reverse_construction = reverse_construction});
    const workloads::Allocate allocate = [&](int pe, const SharedText& name, const Shape& shape, Dtype dtype) {
        return &simulation.allocate(pe, name, shape, dtype);
    };
    workloads::ItemNames names;
    std::vector<std::vector<attention::Launch>> launches(static_cast<std::size_t>(a.ranks()));
    for (int rank = 0; rank < a.ranks(); ++rank) {
        for (int member = 0; member < a.members(); ++member) {
            launches[static_cast<std::size_t>(rank)].push_back(
                workloads::lay_out(allocate, names, a, rank, member, nullptr, workloads::RowSample()));
        }
    }
    for (std::size_t rank = 0; rank < launches.size(); ++rank) {
        for (std::size_t member = 0; member < launches[rank].size(); ++member) {
            simulation.launch(
                a.pes[rank][member], std::string(text.name),
                [&launch = launches[rank][member], run = text.text](tl::Context& tl) { run(tl, launch); },
                ValueMode::none);
        }
    }
    Simulated result{simulation.run(), {}};
    for (int pe = 0; pe < panel.machine.pes(); ++pe)
        result.sram_held.push_back(simulation.machine().pe(pe).sram().held().value());
    return result;
}

namespace {

std::string line_of_part(const std::string& path, Picoseconds busy, Picoseconds queued, Bytes bytes,
                         std::uint64_t work, std::uint64_t activities) {
    return fmt::format("{}: busy {} ps, queued {} ps, {} bytes, work {}, {} activities\n", path, busy.value(),
                       queued.value(), bytes.value(), work, activities);
}

/// Parts come in the order they were built in; here by name.
std::string joined(std::string head, std::vector<std::string> lines) {
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) head += line;
    return head;
}

}  // namespace

std::string timing_of(const report::KernelResult& result) {
    std::vector<std::string> lines;
    for (const auto& part : result.components)
        lines.push_back(line_of_part(part.path, part.busy, part.queued, part.bytes, part.work, part.activities));
    return joined(fmt::format("{} ps, {} commands\n", result.time.value(), result.commands), std::move(lines));
}

std::string timing_of(const machine::Outcome& outcome) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Totals& t = outcome.totals[i];
        lines.push_back(line_of_part(outcome.components[i].path, t.busy, t.queued, t.bytes, t.work, t.activities));
    }
    return joined(fmt::format("{} ps, {} commands\n", outcome.time.value(), outcome.commands), std::move(lines));
}

std::map<std::string, std::uint64_t> link_bytes(const report::KernelResult& result) {
    const std::string root = "machine.";
    std::map<std::string, std::uint64_t> bytes;
    for (const auto& part : result.components) {
        if (part.kind == "link" && part.bytes.value() > 0) bytes[part.path.substr(root.size())] = part.bytes.value();
    }
    return bytes;
}

std::uint64_t messages(const report::KernelResult& result) {
    std::uint64_t count = 0;
    for (const auto& part : result.components) count += part.kind == "send" ? part.activities : 0;
    return count;
}

double relative_l2(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) throw std::runtime_error("vectors of different sizes");
    double error = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double expected = b[i], difference = a[i] - expected;
        error += difference * difference;
        norm += expected * expected;
    }
    return std::sqrt(error / norm);
}

double greatest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) throw std::runtime_error("vectors of different sizes");
    double greatest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] == b[i]) continue;
        const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
        if (!(difference <= greatest)) greatest = difference;  // NaN too
    }
    return greatest;
}

}  // namespace kernel_test
