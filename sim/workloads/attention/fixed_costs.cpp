// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/fixed_costs.h"

#include "sim/memory/service_profile.h"
#include "sim/pe/cost.h"

#include <algorithm>
#include <initializer_list>

namespace tilemesh::workloads {
namespace {

/// Of the two kinds of products the one that the matrix engine is faster at.
Dtype fastest_dtype(const AttentionPanel& panel) {
    const Dtype scores = panel.problem.dtype, values = panel.problem.probability();
    const pe::PeConfig& pe = panel.machine.pe;
    return pe.macs_per_ns(scores) >= pe.macs_per_ns(values) ? scores : values;
}

Opcode cheapest_of(const pe::PeConfig& pe, std::initializer_list<Opcode> operations) {
    return *std::max_element(operations.begin(), operations.end(), [&pe](Opcode one, Opcode other) {
        return pe.elements_per_ns(one) < pe.elements_per_ns(other);
    });
}

std::int64_t parts(std::int64_t all, std::int64_t each) { return (all + each - 1) / each; }

/// Sizes that no machine can run are refused later, by their plan; until then a bound may be too low.
constexpr double longest = 1e15;  // nanoseconds

/// What a product keeps an array at work for, in however many commands it is made: folds at the pace of what streams
/// through them, but none faster than what it holds shifts through its rows. However that is cut, so many rows in all
/// are shifted for every fold of columns.
double array_cycles(const pe::MatrixConfig& array, std::int64_t m, std::int64_t n, std::int64_t k) {
    if (array.dataflow == pe::Dataflow::ideal)
        return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) /
               (static_cast<double>(array.rows) * array.cols);
    const bool output_stationary = array.dataflow == pe::Dataflow::output_stationary;
    const std::int64_t held = output_stationary ? m : k, streamed = output_stationary ? k : m;
    const std::int64_t folds = parts(held, array.rows) * parts(n, array.cols);
    const std::int64_t fill = (output_stationary ? array.rows : 2 * array.rows) + array.cols - 2;
    if (!array.overlap_folds) return static_cast<double>(folds * (streamed + fill - 1));
    return static_cast<double>(std::max(folds * streamed, parts(n, array.cols) * held));
}

}  // namespace

std::optional<attention::FixedCosts> fixed_costs_of(const AttentionPanel& panel, const attention::Kernel& kernel,
                                                    const noc::Topology& topology, const Arrangement& a) {
    const machine::MachineConfig& machine = panel.machine;
    const pe::PeConfig& pe = machine.pe;
    if (!kernel.exact || a.tiling.launches != attention::Launches::fused) return {};
    attention::FixedCosts fixed;
    const auto cycles = [&pe](double n) {
        return n < longest * pe.clock.ghz() ? to_nanoseconds(pe.clock.time_for(n)) : longest;
    };
    fixed.issue = cycles(pe.issue_cycles);
    fixed.descriptor = cycles(pe.dma.descriptor_cycles);
    fixed.access = to_nanoseconds(machine.hbm.access_latency);
    if (machine.hbm.standard != memory::Standard::ideal) {
        const memory::ServiceProfile profile(machine.hbm);
        fixed.first_read = profile.first_data_ns(false);
        fixed.first_write = profile.first_data_ns(true);
        fixed.refresh_every = to_nanoseconds(profile.refresh_interval());
        fixed.refresh = to_nanoseconds(profile.refresh_gap());
    }
    fixed.head = [&machine, &topology, &a](int member, int from, int to) {
        const auto pe_of = [&](int rank) {
            return a.pes[static_cast<std::size_t>(rank)][static_cast<std::size_t>(member)];
        };
        return to_nanoseconds(noc::head_latency(machine.network, topology, topology.route(pe_of(from), pe_of(to))));
    };
    fixed.head_alone = to_nanoseconds(machine.network.router.before_switch());
    const auto cost = [&pe, fastest = fastest_dtype(panel)](std::int64_t batch, std::int64_t m, std::int64_t n,
                                                            std::int64_t k) {
        Command product;
        product.op = Opcode::dot;
        product.dtype = fastest;
        product.batch = static_cast<std::int32_t>(batch);
        product.m = static_cast<std::int32_t>(m);
        product.n = static_cast<std::int32_t>(n);
        product.k = static_cast<std::int32_t>(k);
        product.left_bytes = product.right_bytes = 1;
        return pe::matrix_cost(pe.matrix, product);
    };
    fixed.product = [cost, cycles](std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
        return cycles(cost(batch, m, n, k).latency_cycles);
    };
    const double speed = pe.matrix.speed[static_cast<std::size_t>(fastest_dtype(panel))];
    fixed.occupied = [&pe, cycles, speed](std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
        return cycles(static_cast<double>(batch) * array_cycles(pe.matrix, m, n, k) / speed);
    };
    fixed.drain_of = [&pe](std::int64_t m, std::int64_t n, std::int64_t k) {
        const pe::MatrixConfig& array = pe.matrix;
        const pe::Cost product =
            pe::systolic_cost(array.rows, array.cols, array.dataflow, array.overlap_folds, m, n, k);
        return std::max(0.0, product.latency_cycles - product.occupancy_cycles) / pe.clock.ghz();
    };
    // The least of any shape: of a stream shorter than the array is high.
    fixed.drain = std::min(fixed.drain_of(pe.matrix.rows, 1, 1), fixed.drain_of(1, 1, pe.matrix.rows));
    const auto operation = [&pe, cycles](Opcode op) {
        return [&pe, cycles, op](std::int64_t elements) {
            return cycles(pe::vector_cost(pe.vector, op, elements).latency_cycles);
        };
    };
    const Opcode simple = cheapest_of(pe, {Opcode::add, Opcode::subtract, Opcode::multiply, Opcode::maximum,
                                           Opcode::fma, Opcode::fms, Opcode::reduce_max});
    const Opcode exponential = cheapest_of(pe, {Opcode::exp2, Opcode::exp});
    fixed.simple = operation(simple);
    fixed.exponential = operation(exponential);
    fixed.cast = operation(Opcode::cast);
    fixed.finish = operation(cheapest_of(pe, {Opcode::divide, Opcode::multiply}));
    fixed.running = kernel.keeps_state;
    fixed.casts_p = panel.problem.probability() != Dtype::f32;
    // Maximum, its subtraction, exponential, p as it is stored.
    if (fixed.running)
        fixed.softmax_element = 2 / pe.elements_per_ns(simple) + 1 / pe.elements_per_ns(exponential) +
                                (fixed.casts_p ? 1 / pe.elements_per_ns(Opcode::cast) : 0);
    fixed.casts_o = panel.problem.output_dtype() != Dtype::f32;
    fixed.tile_heads = a.tiling.tile_heads;
    fixed.tile_queries = a.tiling.tile_queries;
    fixed.tile_keys = a.tiling.tile_keys;
    fixed.by_plan = kernel.cuts_by_plan;
    fixed.fold_keys = a.tiling.fold_keys;
    fixed.parts_apart = a.tiling.short_blocks();
    fixed.chunks_stay = a.tiling.chunks_stay || !kernel.cuts_by_plan;
    return fixed;
}

}  // namespace tilemesh::workloads
