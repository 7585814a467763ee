// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/product/product_run.h"

#include "sim/base/error.h"
#include "sim/base/longest_run.h"
#include "sim/noc/topology.h"
#include "sim/report/bound_terms.h"
#include "sim/run/not_possible.h"
#include "sim/workloads/product/values.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace tilemesh::workloads {
namespace {

using product::Block;
using product::Floor;
using product::Plan;
using product::Shape;

class NoProductPrepared final : public run::Prepared {};

constexpr std::uint64_t most_multiplications = std::uint64_t{1} << 28;  // of values in full: some seconds

std::string text_of(const Block& block) {
    return fmt::format("{} x {}, {} of K", block.rows * product::tile_side, block.cols * product::tile_side,
                       block.depth * product::tile_side);
}

double days(double ps) { return ps / 86400e12; }

/// The plan of this choice; NotPossible when its blocks, or all blocks, are too large for a PE, or it takes too long.
Plan planned(const ProductPanel& panel, const ProductChoice& choice) {
    const Shape& shape = panel.shape;
    const Floor floor = panel.floor();
    const std::uint64_t room = floor.config.core_bytes;
    std::optional<Plan> plan;
    if (choice.block) {
        plan = plan_of(shape, floor.grid, *choice.block);
        const Bytes needed = core_bytes(plan->block, shape, floor.grid);
        if (needed > Bytes(room))
            throw run::NotPossible(choice.where + ": ",
                                   fmt::format("blocks of {} need {} bytes of a PE, and machine {} has {} "
                                               "(products.core_bytes); take smaller ones",
                                               text_of(plan->block), needed.value(), panel.machine.name, room));
    } else {
        plan = fastest_plan(shape, floor);
    }
    if (!plan) {
        plan = plan_of(shape, floor.grid, {1, 1, 1});
        const Bytes needed = core_bytes(plan->block, shape, floor.grid);
        if (needed > Bytes(room))
            throw run::NotPossible(choice.where + ": ",
                                   fmt::format("even with blocks of one tile a PE needs {} bytes, and machine {} "
                                               "has {} (products.core_bytes); leave in0 or out in dram",
                                               needed.value(), panel.machine.name, room));
    }
    if (!can_be_followed(*plan, shape, floor, panel.repeats))
        throw run::NotPossible(choice.where + ": ",
                               fmt::format("the products may take {:.3g} days, and a run at most {:.0f}; take fewer "
                                           "repeats or shorter sides",
                                           days(time_without_overlap(*plan, shape, floor, panel.repeats)),
                                           days(static_cast<double>(longest_run.value()))));
    return *plan;
}

double tile_products(const Shape& shape) {
    return static_cast<double>(shape.m) * static_cast<double>(shape.k) * static_cast<double>(shape.n) /
           product::tile_multiplies;
}

report::BoundResult least_time(const ProductPanel& panel) {
    const Floor floor = panel.floor();
    const double cycles = tile_products(panel.shape) / static_cast<double>(floor.grid.pes()) *
                          floor.config.cycles_of(panel.shape.fidelity);
    return report::largest_of({{"matrix", report::bound_time(cycles / floor.clock.ghz())},
                               {"HBM", report::bound_time(static_cast<double>(least_dram_bytes(panel.shape).value()) /
                                                          floor.dram.gbytes_per_s())}});
}

report::BoundResult least_time_of_plan(const ProductPanel& panel, const Plan& plan) {
    const Shape& shape = panel.shape;
    const Floor floor = panel.floor();
    const double launch = to_nanoseconds(floor.config.launch);
    const double products = static_cast<double>(plan.core_rows * plan.core_cols * plan.k) *
                            floor.config.product_cycles(shape.format, shape.fidelity);
    const double dram = static_cast<double>((dram_read(plan, shape) + product::dram_written(shape)).value());
    const double sent = static_cast<double>(multicast_bytes(plan, shape).value());
    return report::largest_of(
        {{"matrix", report::bound_time(launch + products / floor.clock.ghz())},
         {"HBM", report::bound_time(launch + dram / floor.dram.gbytes_per_s())},
         {"link", report::bound_time(launch + sent / floor.config.multicast_bytes_per_cycle / floor.clock.ghz())}});
}

/// What the busiest part is busy with most of the time, in one word.
std::string bound_of_product(const product::Timeline& line, Picoseconds time) {
    const auto most = [&](Picoseconds part) { return part * 2 > time; };
    if (most(line.engine)) return "matrix";
    if (most(std::max(line.in0, line.in1))) return "link";
    return most(line.write) ? "HBM" : "latency";
}

std::string note_of_product(const Plan& plan, const product::Timeline& line, Picoseconds time) {
    const auto share = [&](Picoseconds part) {
        return 100.0 * static_cast<double>(part.value()) / static_cast<double>(time.value());
    };
    return fmt::format(
        "{} x {} blocks a PE of at most {}; busy: engine {:.0f} %, in0 {:.0f} %, in1 {:.0f} %, writing "
        "{:.0f} %",
        plan.row_blocks(), plan.col_blocks(), text_of(plan.block), share(line.engine), share(line.in0),
        share(line.in1), share(line.write));
}

/// What the PE at this column or row has of so many tiles.
std::uint64_t share_at(std::uint64_t place, std::uint64_t each, std::uint64_t whole) {
    return std::min(each, whole - std::min(whole, place * each));
}

void add_parts(report::KernelResult& result, const ProductPanel& panel, const Plan& plan) {
    const noc::Topology topology(panel.machine.network);
    const Floor floor = panel.floor();
    const Shape& shape = panel.shape;
    const std::uint64_t pes = floor.grid.pes();
    const std::uint64_t dram = (dram_read(plan, shape) + product::dram_written(shape)).value();
    const double cycles = floor.config.product_cycles(shape.format, shape.fidelity);
    for (std::uint64_t pe = 0; pe < pes; ++pe) {
        const std::uint64_t tiles = share_at(pe / floor.grid.cols, plan.core_rows, plan.m) *
                                    share_at(pe % floor.grid.cols, plan.core_cols, plan.n) * plan.k;
        const std::string path = "machine." + topology.pe_name(static_cast<int>(pe));
        report::ComponentResult matrix;
        matrix.path = path + ".matrix";
        matrix.kind = "matrix";
        matrix.work = tiles * static_cast<std::uint64_t>(product::tile_multiplies);
        matrix.busy = std::min(result.time, floor.clock.time_for(static_cast<double>(tiles) * cycles));
        matrix.peak_per_ns = product::tile_multiplies / floor.config.cycles_of(shape.fidelity) * floor.clock.ghz();
        matrix.activities = tiles;
        result.components.push_back(std::move(matrix));
        report::ComponentResult slice;
        slice.path = path + ".hbm";
        slice.kind = "hbm";
        slice.peak_per_ns = panel.machine.hbm.peak().gbytes_per_s();
        slice.bytes = Bytes(dram / pes + (pe < dram % pes ? 1 : 0));
        slice.busy = std::min(result.time, panel.machine.hbm.peak().time_for(slice.bytes));
        slice.activities = 1;
        result.components.push_back(std::move(slice));
    }
}

}  // namespace

std::string ProductWorkload::describe() const {
    const Shape& shape = panel_.shape;
    const auto where = [](bool in_cores) { return in_cores ? "SRAM" : "DRAM"; };
    return fmt::format("[{}, {}] x [{}, {}] in {}, {}, in0 in {}, out in {}, {}", shape.m, shape.k, shape.k, shape.n,
                       product::name_of(shape.format), product::name_of(shape.fidelity), where(shape.in0_in_cores),
                       where(shape.out_in_cores),
                       panel_.repeats == 1 ? "once" : fmt::format("mean of {}", panel_.repeats));
}

void ProductWorkload::check(std::size_t kernel) const {
    const ProductChoice& choice = panel_.choices[kernel];
    const auto refuse = [&](const std::string& why) { throw run::NotPossible(choice.where + ": ", why); };
    if (!panel_.products)
        refuse(
            fmt::format("machine {} does not say what its cores need for tiles: give it `products`, or take "
                        "wormhole_n150, blackhole_p150_13x10 or blackhole_p150_11x10",
                        panel_.machine.name));
    if (panel_.machine.cubes() > 1)
        refuse(fmt::format("a product is spread over the PEs of one cube, and machine {} has {}", panel_.machine.name,
                           panel_.machine.cubes()));
    if (panel_.values.mode == run::ValueMode::full && multiplications(panel_.shape) > most_multiplications)
        refuse(fmt::format("values in full take {} multiplications, too many; take sampled or none",
                           multiplications(panel_.shape)));
    planned(panel_, choice);
}

std::shared_ptr<const run::Prepared> ProductWorkload::prepare(const std::vector<std::size_t>&, int) const {
    return std::make_shared<NoProductPrepared>();
}

std::shared_ptr<const void> ProductWorkload::launch(std::size_t kernel, const run::Prepared&,
                                                    machine::Target&) const {
    fail<InputError>("{}: {} has no kernel that PEs run; its plan is checked whenever it runs",
                     panel_.choices[kernel].where, multicast_2d);
}

run::EntryOutcome ProductWorkload::run(std::size_t kernel, const run::Prepared&, run::Wanted wanted) const {
    if (wanted.critical_path || wanted.trace.wanted())
        fail<KernelError>(
            "{} has neither a critical path nor a trace; the note under the table of `tilemesh run` says "
            "what was busy",
            multicast_2d);
    const auto begun = std::chrono::steady_clock::now();
    const ProductChoice& choice = panel_.choices[kernel];
    const Plan plan = planned(panel_, choice);
    const Floor floor = panel_.floor();
    const product::Timeline line = *follow(plan, panel_.shape, floor);
    run::EntryOutcome entry;
    report::KernelResult& result = entry.result;
    result.kernel = choice.kernel;
    result.time = time_of_each(line.time, floor, panel_.repeats);
    result.clock_ghz = floor.clock.ghz();
    result.flops = 2 * multiplications(panel_.shape);
    result.commands = plan.row_blocks() * plan.col_blocks() * plan.depths.size() * plan.pes();
    result.options = {{"block_m", plan.block.rows * product::tile_side},
                      {"block_n", plan.block.cols * product::tile_side},
                      {"block_k", plan.block.depth * product::tile_side}};
    result.sram_peak = core_bytes(plan.block, panel_.shape, floor.grid);
    result.note = note_of_product(plan, line, result.time);
    result.machine_bound = least_time(panel_);
    result.schedule_bound = least_time_of_plan(panel_, plan);
    result.bound = bound_of_product(line, result.time);
    add_parts(result, panel_, plan);
    if (panel_.values.mode != run::ValueMode::none) result.verdict = judge_product(panel_, plan);
    result.host.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return entry;
}

std::vector<run::KernelInfo> ProductKind::kernels() const {
    return {{multicast_2d,
             "matrix products: the result spread over a grid of PEs, in0 sent along rows and in1 along columns"}};
}

bool ProductKind::claims(const Json& kernel) const {
    const Json* name = &kernel;
    if (kernel.is_object() && kernel.contains("kernel")) name = &kernel.at("kernel");
    return name->is_string() && name->get<std::string>() == multicast_2d;
}

std::vector<Json> ProductKind::alternatives(const std::vector<Json>& kernels) const {
    const bool named = std::any_of(kernels.begin(), kernels.end(), [](const Json& kernel) {
        return kernel.is_string() || !kernel.contains("block_m");
    });
    return named ? std::vector<Json>{} : std::vector<Json>{{{"kernel", multicast_2d}}};
}

std::vector<run::Entry> ProductKind::read(JsonReader& panel, const run::Setup& setup,
                                          std::vector<JsonReader>& kernels) const {
    const auto workload = std::make_shared<const ProductWorkload>(read_product_panel(panel, setup, kernels));
    std::vector<run::Entry> entries;
    for (const ProductChoice& choice : workload->panel().choices)
        entries.push_back({choice.kernel, choice.label, choice.where, {}, workload, entries.size()});
    return entries;
}

}  // namespace tilemesh::workloads
