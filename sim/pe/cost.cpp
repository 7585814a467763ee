// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/cost.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::pe {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

Cost systolic_cost(int rows, int cols, Dataflow dataflow, bool overlap_folds, std::int64_t m, std::int64_t n,
                   std::int64_t k) {
    if (dataflow == Dataflow::ideal) {
        const double cycles = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) /
                              (static_cast<double>(rows) * cols);
        return {cycles, cycles};
    }
    const bool output_stationary = dataflow == Dataflow::output_stationary;
    const std::int64_t held = output_stationary ? m : k;      // the dimension laid along the rows
    const std::int64_t streamed = output_stationary ? k : m;  // the dimension that flows through
    const std::int64_t folds = ceil_div(held, rows) * ceil_div(n, cols);
    const std::int64_t fill = output_stationary ? rows + cols - 2 : 2 * rows + cols - 2;
    if (!overlap_folds) {
        const auto cycles = static_cast<double>(folds * (streamed + fill) - 1);
        return {cycles, cycles};
    }
    const std::int64_t pace = std::max<std::int64_t>(streamed, std::min<std::int64_t>(held, rows));
    const auto occupancy = static_cast<double>(folds * pace);
    // The last fold takes what a fold alone takes, however short its stream.
    return {occupancy, occupancy + static_cast<double>(streamed - pace + fill)};
}

PortBytes matrix_bytes(const Command& command) {
    const auto size = [](std::int32_t n) { return static_cast<std::uint64_t>(n); };
    const std::uint64_t width = bytes_per_element(command.dtype);
    const std::uint64_t left = command.left_bytes > 0 ? command.left_bytes : width;
    const std::uint64_t right = command.right_bytes > 0 ? command.right_bytes : width;
    const std::uint64_t m = size(command.m), n = size(command.n), k = size(command.k), batch = size(command.batch);
    const std::uint64_t result = batch * m * n * 4;
    const std::uint64_t accumulator = command.operand_count == 3 ? result : 0;
    return {batch * (m * k * left + k * n * right) + accumulator, result};
}

Cost matrix_cost(const MatrixConfig& config, const Command& command) {
    Cost cost = systolic_cost(config.rows, config.cols, config.dataflow, config.overlap_folds, command.m, command.n,
                              command.k);
    const double drain = cost.latency_cycles - cost.occupancy_cycles;
    const double batch = command.batch;
    const double compute = batch * cost.occupancy_cycles / config.speed[static_cast<std::size_t>(command.dtype)];
    const PortBytes bytes = matrix_bytes(command);
    const double occupancy =
        std::max(compute, static_cast<double>(bytes.read + bytes.written) / config.sram_bytes_per_cycle);
    return {occupancy, occupancy + drain};
}

double matrix_cycles(const MatrixConfig& config, const Command& command) {
    const double macs = static_cast<double>(command.batch) * command.m * command.n * command.k;
    return macs /
           (static_cast<double>(config.rows) * config.cols * config.speed[static_cast<std::size_t>(command.dtype)]);
}

Cost vector_cost(const VectorConfig& config, Opcode op, std::int64_t elements) {
    const double occupancy = static_cast<double>(whole_up(static_cast<double>(elements) / config.lanes)) *
                             config.cycles_per_element[static_cast<std::size_t>(op)];
    return {occupancy, occupancy + config.startup_cycles};
}

}  // namespace tilemesh::pe
