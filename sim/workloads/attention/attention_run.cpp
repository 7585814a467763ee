// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/attention_run.h"

#include "sim/base/error.h"
#include "sim/insight/recording.h"
#include "sim/report/bound_terms.h"
#include "sim/report/summary.h"
#include "sim/run/not_possible.h"
#include "sim/tile/value_process.h"
#include "sim/workloads/attention/alternatives.h"
#include "sim/workloads/attention/arrangement.h"
#include "sim/workloads/attention/describe.h"
#include "sim/workloads/attention/gradient_run.h"
#include "sim/workloads/attention/judge.h"
#include "sim/workloads/attention/layout.h"

#include <algorithm>
#include <numeric>

namespace tilemesh::workloads {
namespace {

bool is_backward(const attention::Kernel& kernel) { return kernel.pass == attention::Schedule::Pass::backward; }

void check_values(const AttentionPanel& panel, const AttentionChoice& choice, const attention::Kernel& kernel) {
    if (!is_backward(kernel)) return;
    if (const auto why = gradients_refuse(panel.values))
        throw run::NotPossible(fmt::format("{}: {} cannot run this: ", choice.where, kernel.name), *why);
}

/// Times are picoseconds and totals whole numbers, both of 64 bits. What takes longer than its bounds has room too.
void check_counts(const AttentionPanel& panel, const attention::Kernel& kernel, const Arrangement& a,
                  const std::string& where) {
    constexpr double longest_ns = 0x1p60 / 1000.0, most_operations = 0x1p63;
    const double ns = std::max(a.machine_bound.ns(), a.schedule_bound.ns()) * static_cast<double>(panel.layers);
    if (ns > longest_ns)
        throw run::NotPossible(where, fmt::format("all layers take {:.3g} s at least, expected at most {:.3g} s",
                                                  ns * 1e-9, longest_ns * 1e-9));
    const double operations = is_backward(kernel) ? backward_flops(panel.problem) : attention::flops(panel.problem);
    if (operations > most_operations)
        throw run::NotPossible(
            where, fmt::format("it has {:.3g} operations, expected at most {:.3g}", operations, most_operations));
}

std::vector<run::KernelInfo> infos_of(const attention::Kernels& kernels) {
    std::vector<run::KernelInfo> infos;
    for (const attention::Kernel& kernel : kernels)
        infos.push_back({std::string(kernel.name), std::string(kernel.summary)});
    return infos;
}

/// Inputs and what they should give.
class PreparedAttention final : public run::Prepared {
public:
    std::unique_ptr<attention::Inputs> inputs;  // none when no values are computed
    RowSample sample;
    std::vector<attention::Reference> expected;  // by user
    PreparedGradients gradients;                 // if any kernel is a backward one
};

report::BoundResult to_report(const attention::Bound& bound) {
    report::BoundResult result;
    result.time = report::bound_time(bound.ns());
    result.binding = std::string(bound.binding().name);
    for (const attention::BoundTerm& term : bound.terms)
        result.terms.push_back({std::string(term.name), report::bound_time(term.ns)});
    return result;
}

/// Of the fastest product that the problem has, in multiply-accumulates per nanosecond.
double matrix_peak(const AttentionPanel& panel, bool backward) {
    const attention::Problem& problem = panel.problem;
    const Dtype others = backward ? problem.output_dtype() : problem.probability();
    return std::max(panel.machine.pe.macs_per_ns(problem.dtype), panel.machine.pe.macs_per_ns(others));
}

using Launches = std::vector<std::vector<attention::Launch>>;  // by rank, by member

/// Lays everything out and hands each PE its kernel. What the launches refer to must outlive the simulation's run.
Launches launch_all(machine::Target& target, const Arrangement& a, const attention::Kernel& kernel,
                    const PreparedAttention& prepared, ValueMode mode) {
    const bool computes = mode != ValueMode::none;
    const Allocate allocate = [&](int pe, const SharedText& name, const Shape& shape, Dtype dtype) {
        return &target.allocate(pe, name, shape, dtype);
    };
    Launches launches(static_cast<std::size_t>(a.ranks()));
    ItemNames names;
    const auto of_table = std::make_shared<std::any>();
    for (int rank = 0; rank < a.ranks(); ++rank) {
        const auto of_rank = std::make_shared<std::any>();
        std::vector<attention::Launch>& members = launches[static_cast<std::size_t>(rank)];
        for (int member = 0; member < a.members(); ++member) {
            members.push_back(lay_out(allocate, names, a, rank, member, computes ? prepared.inputs.get() : nullptr,
                                      prepared.sample, computes ? &prepared.gradients.forward : nullptr));
            members.back().of_rank = of_rank;
            members.back().of_table = of_table;
        }
    }
    for (int rank = 0; rank < a.ranks(); ++rank) {
        for (int member = 0; member < a.members(); ++member) {
            const attention::Launch& launch =
                launches[static_cast<std::size_t>(rank)][static_cast<std::size_t>(member)];
            target.launch(
                a.pes[static_cast<std::size_t>(rank)][static_cast<std::size_t>(member)], std::string(kernel.name),
                [&launch, text = kernel.text](tl::Context& tl) { text(tl, launch); }, mode);
        }
    }
    return launches;
}

/// The machine as runs follow it. Where a steady run will pass over most of the work and links are idle for nine
/// tenths of the time, its network moves trains: there packets are most of what is left to follow, and how they meet
/// decides little.
machine::MachineConfig followed(const AttentionPanel& panel, const Arrangement& a) {
    machine::MachineConfig machine = panel.machine;
    if (!panel.steady || !machine.pe.has_long_queues()) return machine;
    const auto share = [&](std::string_view part) {
        double ns = 0.0;
        for (const attention::BoundTerm& term : a.schedule_bound.terms)
            if (term.name == part) ns = std::max(ns, term.ns);
        return ns / a.schedule_bound.ns();
    };
    if (a.tiling.launches == attention::Launches::fused && a.schedule.moves_keys_alone() && share("link") < 0.1 &&
        share("HBM") < 0.5)
        machine.network = noc::in_trains(std::move(machine.network));
    return machine;
}

/// The same kernel with K and V contiguous.
report::PagingResult contiguous_twin(const AttentionPanel& panel, const AttentionChoice& choice,
                                     const attention::Kernel& kernel) {
    AttentionPanel twin = panel;
    twin.problem.pages = nullptr;
    const Arrangement a = arrange(twin, choice, kernel);
    machine::Simulation simulation(followed(twin, a), {.steady = twin.steady});
    const Launches launches = launch_all(simulation, a, kernel, PreparedAttention(), ValueMode::none);
    const machine::Outcome outcome = simulation.run();
    report::PagingResult result{outcome.time, Bytes()};
    for (std::size_t i = 0; i < outcome.components.size(); ++i)
        if (outcome.components[i].kind == "hbm") result.contiguous_hbm_bytes += outcome.totals[i].bytes;
    return result;
}

}  // namespace

std::vector<run::KernelInfo> AttentionKind::kernels() const { return infos_of(kernels_); }

std::vector<Json> AttentionKind::alternatives(const std::vector<Json>& kernels) const {
    return alternatives_to(kernels, kernels_);
}

std::vector<run::Entry> AttentionKind::read(JsonReader& panel, const run::Setup& setup,
                                            std::vector<JsonReader>& kernels) const {
    AttentionPanel attention = read_attention_panel(panel, setup, kernels);
    const auto workload = std::make_shared<const AttentionWorkload>(std::move(attention), kernels_);
    return entries_of(workload->panel(), workload);
}

const attention::Kernel& AttentionWorkload::find(const AttentionChoice& choice) const {
    run::check_known(choice.where, choice.kernel, infos_of(kernels_));
    return *std::find_if(kernels_.begin(), kernels_.end(),
                         [&](const attention::Kernel& kernel) { return kernel.name == choice.kernel; });
}

std::string AttentionWorkload::describe() const { return workloads::describe(panel_); }

std::shared_ptr<const Arrangement> AttentionWorkload::checked(std::size_t number) const {
    const AttentionChoice& choice = panel_.kernels[number];
    const attention::Kernel& kernel = find(choice);
    check_values(panel_, choice, kernel);
    const std::string where = choice.where + ": ";
    try {
        auto arrangement = arranged(number);
        check_room(panel_, *arrangement, choice.where);
        check_counts(panel_, kernel, *arrangement, where);
        return arrangement;
    } catch (const KernelError& error) {
        throw run::NotPossible(where, error.what());  // no tensor and no tile has such a shape
    }
}

void AttentionWorkload::check(std::size_t number) const { checked(number); }

run::Bounds AttentionWorkload::bounds(std::size_t number) const {
    const auto arrangement = checked(number);
    const Arrangement& a = *arrangement;
    run::Bounds bounds;
    bounds.work = work_of(kernels_, find(panel_.kernels[number]), ranks_of(panel_, panel_.kernels[number]), a);
    report::KernelResult& least = bounds.least;
    least.machine_bound = to_report(a.machine_bound);
    least.schedule_bound = to_report(a.schedule_bound);
    least.time = std::max(least.machine_bound.time, least.schedule_bound.time);
    const LeastBytes bytes = least_bytes(panel_, a);
    least.hbm_bytes = bytes.hbm;
    least.hop_bytes = bytes.hop;
    least.busiest_link.bytes = bytes.busiest_link;
    return bounds;
}

std::shared_ptr<const Arrangement> AttentionWorkload::arranged(std::size_t number) const {
    if (!arranged_ || arranged_kernel_ != number) {
        arranged_.reset();  // first: there is room for one
        const AttentionChoice& choice = panel_.kernels[number];
        arranged_ = std::make_shared<const Arrangement>(arrange(panel_, choice, find(choice)));
        arranged_kernel_ = number;
    }
    return arranged_;
}

attention::Inputs::Pass AttentionWorkload::pass_of(const std::vector<std::size_t>& kernels) const {
    const bool backward = std::any_of(kernels.begin(), kernels.end(),
                                      [&](std::size_t kernel) { return is_backward(find(panel_.kernels[kernel])); });
    return backward ? attention::Inputs::Pass::backward : attention::Inputs::Pass::forward;
}

void AttentionWorkload::check_inputs(const std::vector<std::size_t>& kernels) const {
    if (panel_.inputs.tensors.path.empty()) return;
    attention::Inputs::from_file(panel_.problem, panel_.inputs.tensors, panel_.inputs.prefix, pass_of(kernels));
}

std::shared_ptr<const run::Prepared> AttentionWorkload::prepare(const std::vector<std::size_t>& kernels,
                                                                int threads) const {
    const AttentionPanel& panel = panel_;
    auto prepared = std::make_shared<PreparedAttention>();
    const attention::Problem& problem = panel.problem;
    const auto pass = pass_of(kernels);
    const bool backward = pass == attention::Inputs::Pass::backward;
    if (panel.values.mode == ValueMode::none) {
        check_inputs(kernels);  // a file that could not be used is an error all the same
        return prepared;
    }
    const bool full = panel.values.mode == ValueMode::full;
    if (!panel.inputs.tensors.path.empty()) {
        prepared->inputs = std::make_unique<attention::Inputs>(
            attention::Inputs::from_file(problem, panel.inputs.tensors, panel.inputs.prefix, pass));
    } else {
        prepared->inputs = std::make_unique<attention::Inputs>(attention::Inputs::generated(
            problem, panel.values.seed,
            full ? attention::Inputs::Queries::held : attention::Inputs::Queries::regenerated, threads, pass));
    }
    if (!full) prepared->sample = draw_rows(problem, panel.values.rows, panel.values.seed);
    for (int user = 0; user < static_cast<int>(problem.users.size()); ++user) {
        prepared->expected.push_back(
            full ? attention::reference(problem, *prepared->inputs, user, threads)
                 : attention::reference_rows(problem, *prepared->inputs, user,
                                             prepared->sample.rows[static_cast<std::size_t>(user)], threads));
    }
    if (backward && full)
        prepared->gradients = prepare_gradients(problem, *prepared->inputs, prepared->expected, threads);
    return prepared;
}

std::shared_ptr<const void> AttentionWorkload::launch(std::size_t number, const run::Prepared& prepared,
                                                      machine::Target& target) const {
    struct Laid {
        std::shared_ptr<const Arrangement> arrangement;
        Launches launches;
    };
    const AttentionChoice& choice = panel_.kernels[number];
    const attention::Kernel& kernel = find(choice);
    auto laid = std::make_shared<Laid>(Laid{arranged(number), {}});
    laid->launches = launch_all(target, *laid->arrangement, kernel, dynamic_cast<const PreparedAttention&>(prepared),
                                ValueMode::none);
    return laid;
}

run::EntryOutcome AttentionWorkload::run(std::size_t number, const run::Prepared& prepared_base,
                                         run::Wanted wanted) const {
    const AttentionPanel& panel = panel_;
    const AttentionChoice& choice = panel.kernels[number];
    prepare_process_for_values();
    const attention::Kernel& kernel = find(choice);
    check_values(panel, choice, kernel);
    const auto& prepared = dynamic_cast<const PreparedAttention&>(prepared_base);
    const attention::Problem& problem = panel.problem;
    const auto arrangement = arranged(number);
    const Arrangement& a = *arrangement;

    // One simulation at a time: this one is gone before the next begins.
    std::optional<report::PagingResult> paging;
    if (problem.pages) paging = contiguous_twin(panel, choice, kernel);
    insight::Recording recording(wanted.account, wanted.trace, wanted.pictures);
    recording.follow(panel.machine, wanted.estimates, wanted.critical_path);
    if (wanted.energy) recording.meter(panel.machine);
    machine::SimulationOptions options;
    options.recorder = recording.recorder();
    options.follower = recording.follower();
    options.jitter = Jitter(panel.jitter);
    options.steady = panel.steady;
    machine::Simulation simulation(followed(panel, a), options);
    recording.begin(simulation.machine().components());
    const Launches launches = launch_all(simulation, a, kernel, prepared, panel.values.mode);
    const machine::Outcome outcome = simulation.run();

    run::EntryOutcome entry;
    report::KernelResult& result = entry.result;
    result.kernel = std::string(kernel.name);
    for (const auto& [name, value] :
         {std::pair{"tile_heads", a.tiling.tile_heads}, std::pair{"tile_queries", a.tiling.tile_queries},
          std::pair{"tile_keys", a.tiling.tile_keys}, std::pair{"piece_keys", a.tiling.piece_keys}}) {
        result.options.emplace_back(name, static_cast<std::uint64_t>(value));
    }
    result.time = outcome.time;
    result.clock_ghz = panel.machine.pe.clock.ghz();
    result.flops =
        static_cast<std::uint64_t>(is_backward(kernel) ? backward_flops(problem) : attention::flops(problem));
    result.commands = outcome.commands;
    result.copied = outcome.copied;
    result.sram_peak = outcome.sram_peak;
    result.work_imbalance = a.work_imbalance;
    result.paging = paging;
    if (panel.steady) result.passed = {outcome.passed, outcome.doubt};
    result.machine_bound = to_report(a.machine_bound);
    result.schedule_bound = to_report(a.schedule_bound);
    result.host.wall_seconds = outcome.host_seconds;
    if (!kernel.exact) result.note = "a specimen: its arithmetic is known to be wrong";
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Component& part = outcome.components[i];
        const machine::Totals& totals = outcome.totals[i];
        const double peak = part.kind == "matrix" ? matrix_peak(panel, is_backward(kernel)) : part.peak_per_ns;
        result.components.push_back(
            {part.path, part.kind, totals.busy, totals.queued, totals.bytes, totals.work, totals.activities, peak});
    }
    report::keep_to_physics(result);
    recording.close(result, panel.machine);
    if (result.energy) {
        std::int64_t queries = 0;
        for (const attention::User& user : problem.users) queries += user.queries;
        report::count_tokens(*result.energy, static_cast<std::uint64_t>(queries));
    }

    if (panel.values.mode == ValueMode::none) return entry;
    result.verdict.mode = run::name_of(panel.values.mode);
    if (is_backward(kernel)) {
        judge_gradients(panel, a, launches, prepared.gradients, wanted.outputs, entry);
        return entry;
    }
    judge(panel, a, kernel, launches, {prepared.sample, prepared.expected}, wanted.outputs, entry);
    return entry;
}

}  // namespace tilemesh::workloads
