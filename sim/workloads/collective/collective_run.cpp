// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/collective/collective_run.h"

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/collective/execution.h"
#include "sim/collective/one_link.h"
#include "sim/collective/values.h"
#include "sim/noc/topology.h"
#include "sim/run/not_possible.h"
#include "sim/workloads/collective/bounds.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

namespace tilemesh::workloads {
namespace {

using collective::Algorithm;
using collective::Operation;

class NothingPrepared final : public run::Prepared {};

/// As for programs; sums round once per chip, partial sums that grow with its root.
double usual_tolerance(Dtype dtype, int chips) {
    const double few = dtype == Dtype::f32 ? 1e-5 : dtype == Dtype::f16 ? 1e-3 : 8e-3;
    return few * std::max(1.0, std::sqrt(chips / 8.0));
}

/// What an element's error is measured by: its square, or the squares of what is summed, which may all but cancel.
double scale_of(const CollectivePanel& panel, const collective::Inputs& inputs, std::uint64_t element,
                double wanted) {
    if (panel.operation != Operation::reduce_scatter && panel.operation != Operation::all_reduce)
        return wanted * wanted;
    double squares = 0.0;
    for (int chip = 0; chip < panel.chips().n; ++chip) {
        const double input = inputs.value(chip, element);
        squares += input * input;
    }
    return squares;
}

/// Elements that are followed: all, or the first, the last and a sample of each chip's part.
std::set<std::uint64_t> followed(const CollectivePanel& panel) {
    const std::uint64_t elements = panel.elements();
    std::set<std::uint64_t> chosen;
    if (panel.values.mode == ValueMode::full) {
        for (std::uint64_t i = 0; i < elements; ++i) chosen.insert(chosen.end(), i);
        return chosen;
    }
    const int n = panel.chips().n;
    for (int part = 0; part < n; ++part) {
        const collective::Range range = collective::part_of(elements, n, part);
        if (range.size == 0) continue;
        chosen.insert({range.begin, range.end() - 1});
        for (std::int64_t i = 0; i < panel.values.rows; ++i)
            chosen.insert(range.begin + random_below(panel.values.seed, static_cast<std::uint64_t>(part) + 1,
                                                     static_cast<std::uint64_t>(i), range.size));
    }
    return chosen;
}

report::VerdictResult judge(const CollectivePanel& panel, const std::vector<collective::Schedule>& calls) {
    report::VerdictResult verdict;
    verdict.mode = run::name_of(panel.values.mode);
    verdict.tolerance = panel.tolerance.value_or(usual_tolerance(panel.dtype, panel.chips().n));
    const collective::Inputs inputs{panel.dtype, panel.values.seed};
    double squares = 0.0, error_squares = 0.0;
    bool complete = true;
    for (const std::uint64_t element : followed(panel)) {
        const auto wanted = collective::expected(panel.operation, panel.chips(), panel.elements(), inputs, element);
        const auto got = collective::follow(calls, inputs, element);
        for (std::size_t chip = 0; chip < wanted.held.size(); ++chip) {
            if (std::isnan(wanted.held[chip])) continue;
            const double error = got.held[chip] - wanted.held[chip];
            complete = complete && !std::isnan(error);
            squares += scale_of(panel, inputs, element, wanted.held[chip]);
            error_squares += error * error;
            verdict.max_error = std::max(verdict.max_error, std::abs(error));
        }
        ++verdict.rows_checked;
    }
    verdict.relative_l2 = squares > 0.0 ? std::sqrt(error_squares / squares) : std::sqrt(error_squares);
    verdict.pass = complete && verdict.relative_l2 <= verdict.tolerance;
    if (!verdict.pass) verdict.why = complete ? "relative L2 of all elements" : "elements that never came";
    return verdict;
}

std::string seconds_text(Picoseconds time) { return fmt::format("{:.3f} us", to_nanoseconds(time) / 1000.0); }

/// "reduce_scatter by relay 8.790 us, all_gather by multicast 7.650 us".
std::string note_of(const std::vector<collective::Schedule>& calls, const std::vector<Picoseconds>& times) {
    std::string note;
    for (std::size_t i = 0; i < calls.size(); ++i)
        note += fmt::format("{}{} by {} {}", i == 0 ? "" : ", ", name_of(calls[i].operation),
                            name_of(calls[i].algorithm), seconds_text(times[i]));
    return note;
}

/// The busiest link's share of the time says whether bytes decided or what nobody pays bytes for.
std::string bound_of(const report::KernelResult& result) {
    constexpr double most_of_it = 0.5;
    Picoseconds busiest;
    for (const report::ComponentResult& part : result.components)
        if (part.kind == "link") busiest = std::max(busiest, part.busy);
    return to_nanoseconds(busiest) > most_of_it * to_nanoseconds(result.time) ? "link" : "latency";
}

void add_components(report::KernelResult& result, const CollectivePanel& panel,
                    const std::vector<collective::Execution>& done) {
    const noc::Topology topology(panel.machine.network);
    for (std::size_t i = 0; i < topology.links().size(); ++i) {
        report::ComponentResult part;
        part.path = "machine." + topology.links()[i].name;
        part.kind = "link";
        part.peak_per_ns = topology.links()[i].config.rate.gbytes_per_s();
        for (const collective::Execution& call : done) {
            part.busy += call.link_busy[i];
            part.bytes += call.link_bytes[i];
        }
        part.activities = part.bytes > Bytes() ? 1 : 0;
        result.components.push_back(std::move(part));
    }
    for (int chip = 0; chip < topology.pes(); ++chip) {
        report::ComponentResult part;
        part.path = "machine." + topology.pe_name(chip) + ".hbm";
        part.kind = "hbm";
        part.peak_per_ns = panel.machine.hbm.peak().gbytes_per_s();
        for (const collective::Execution& call : done)
            part.bytes += call.memory_bytes[static_cast<std::size_t>(chip)];
        part.busy = std::min(panel.machine.hbm.peak().time_for(part.bytes), result.time);
        part.activities = 1;
        result.components.push_back(std::move(part));
    }
}

}  // namespace

std::string CollectiveWorkload::describe() const {
    const collective::Chips chips = panel_.chips();
    return fmt::format("{} of {} bytes in {} on a {} of {} chips", name_of(panel_.operation), panel_.bytes,
                       tilemesh::name_of(panel_.dtype), chips.ring ? "ring" : "line", chips.n);
}

void CollectiveWorkload::check(std::size_t kernel) const {
    const CollectiveChoice& choice = panel_.choices[kernel];
    const auto refuse = [&](const std::string& why) { throw run::NotPossible(choice.where + ": ", why); };
    const noc::NetworkConfig& network = panel_.machine.network;
    const noc::GridConfig& grid = panel_.machine.cubes() > 1 ? network.cubes : network.pes_in_cube;
    const bool one_level = panel_.machine.cubes() == 1 || panel_.machine.pes_per_cube() == 1;
    const bool one_row = grid.kind == noc::TopologyKind::line || grid.kind == noc::TopologyKind::ring;
    if (!one_level || !one_row)
        refuse(
            fmt::format("collectives run on a line or a ring of chips, and machine {} is neither: give it a cube of "
                        "topology line or ring, or cubes of one PE",
                        panel_.machine.name));
    if (network.port)
        refuse(
            fmt::format("machine {} has a network.port, which collectives do not go through; "
                        "collectives.worker_gbytes_per_s says what feeds a link",
                        panel_.machine.name));
    if (!network.several.empty())
        refuse(
            fmt::format("machine {} has network.networks, between which collectives do not choose; leave it out, "
                        "collectives.links says how many links run beside each other",
                        panel_.machine.name));
    // One call of an all_reduce may be by another algorithm.
    const auto can = [&](Operation call) { return collective::can(choice.algorithm, call); };
    const bool possible = panel_.operation == Operation::all_reduce
                              ? can(Operation::all_gather) || can(Operation::reduce_scatter)
                              : can(panel_.operation);
    if (choice.algorithm != Algorithm::automatic && !possible)
        refuse(fmt::format("there is no {} by {}", name_of(panel_.operation), name_of(choice.algorithm)));
    if (choice.algorithm == Algorithm::in_network && !network.router.reduction)
        refuse(fmt::format("routers of machine {} do not add: give it network.router.reduction true, or take relay",
                           panel_.machine.name));
    if (panel_.values.mode == ValueMode::full && panel_.elements() > (std::uint64_t{1} << 22))
        refuse(fmt::format("values of {} elements are too many to follow in full; take sampled or none",
                           panel_.elements()));
}

run::Bounds CollectiveWorkload::bounds(std::size_t kernel) const {
    check(kernel);
    const std::vector<collective::Schedule> calls = panel_.calls(panel_.choices[kernel]);
    run::Bounds bounds;
    bounds.least.time = std::max(machine_bound(panel_).time, schedule_bound(panel_, calls).time);
    for (const collective::Schedule& call : calls)
        bounds.work += fmt::format("{} by {};", name_of(call.operation), name_of(call.algorithm));
    return bounds;
}

std::shared_ptr<const run::Prepared> CollectiveWorkload::prepare(const std::vector<std::size_t>&, int) const {
    return std::make_shared<NothingPrepared>();
}

std::shared_ptr<const void> CollectiveWorkload::launch(std::size_t kernel, const run::Prepared&,
                                                       machine::Target&) const {
    fail<InputError>("{}: a collective has no kernel that PEs run; its table is checked whenever it runs",
                     panel_.choices[kernel].where);
}

run::EntryOutcome CollectiveWorkload::run(std::size_t kernel, const run::Prepared&, run::Wanted wanted) const {
    if (wanted.critical_path || wanted.trace.wanted())
        fail<KernelError>(
            "collectives have neither a critical path nor a trace; the note under the table of `tilemesh run` says "
            "what "
            "each call took");
    const auto begun = std::chrono::steady_clock::now();
    const CollectiveChoice& choice = panel_.choices[kernel];
    const std::vector<collective::Schedule> calls = panel_.calls(choice);
    const collective::Ground ground = panel_.ground();
    std::vector<collective::Execution> done;
    std::vector<Picoseconds> times;
    run::EntryOutcome entry;
    report::KernelResult& result = entry.result;
    for (const collective::Schedule& call : calls) {
        done.push_back(collective::execute(call, bytes_per_element(panel_.dtype), ground));
        times.push_back(done.back().time);
        result.time += done.back().time;
        result.commands += done.back().transfers;
    }
    result.kernel = choice.kernel;
    result.clock_ghz = panel_.machine.pe.clock.ghz();
    result.note = note_of(calls, times);
    result.machine_bound = machine_bound(panel_);
    result.schedule_bound = schedule_bound(panel_, calls);
    add_components(result, panel_, done);
    result.bound = bound_of(result);
    if (panel_.values.mode != ValueMode::none) result.verdict = judge(panel_, calls);
    result.host.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return entry;
}

std::vector<run::KernelInfo> CollectiveKind::kernels() const {
    return {
        {"relay", "collectives: parts from neighbour to neighbour through workers, which add what is to be summed"},
        {"multicast", "collectives: each part sent once, routers keep copies on the way (all_gather, all_reduce)"},
        {"one_shot", "collectives: every part straight to where it belongs, through the routers between"},
        {"in_network",
         "collectives: sums from router to router, each adds its own chip's elements (reduce_scatter, "
         "all_reduce)"},
        {"auto", "collectives: what the machine's library takes for the operation, topology and size"}};
}

bool CollectiveKind::claims(const Json& kernel) const {
    const Json* name = &kernel;
    if (kernel.is_object() && kernel.contains("kernel")) name = &kernel.at("kernel");
    if (!name->is_string()) return false;
    const auto& words = collective::algorithm_words();
    return std::find(words.begin(), words.end(), name->get<std::string>()) != words.end();
}

std::vector<Json> CollectiveKind::alternatives(const std::vector<Json>&) const {
    std::vector<Json> all;
    for (const std::string& name : collective::algorithm_words())
        if (name != name_of(Algorithm::automatic)) all.push_back({{"kernel", name}});
    return all;
}

std::vector<run::Entry> CollectiveKind::read(JsonReader& panel, const run::Setup& setup,
                                             std::vector<JsonReader>& kernels) const {
    const auto workload = std::make_shared<const CollectiveWorkload>(read_collective_panel(panel, setup, kernels));
    std::vector<run::Entry> entries;
    for (const CollectiveChoice& choice : workload->panel().choices)
        entries.push_back({choice.kernel, choice.label, choice.where, {}, workload, entries.size()});
    return entries;
}

}  // namespace tilemesh::workloads
