// SPDX-License-Identifier: Apache-2.0
#include "sim/product/execution.h"

#include "sim/base/longest_run.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tilemesh::product {
namespace {

/// Durations of one step: a block of K of a block of the result.
struct StepTimes {
    Picoseconds in0, in1, engine;
};

/// Of one operand: where it comes from and how far it goes.
struct Way {
    bool from_dram, sent;
};
Way way_of_in0(const Plan& plan, const Shape& shape) { return {!shape.in0_in_cores, plan.in0_sent}; }
Way way_of_in1(const Plan& plan) { return {true, plan.in1_sent}; }

double cycles_of_block(std::uint64_t tiles, const Way& way, const Plan& plan, const Shape& shape,
                       const Floor& floor) {
    const double bytes = static_cast<double>(tiles * tile_bytes(shape.format));
    const double read = way.from_dram ? bytes / read_rate(plan, shape, floor) : 0.0;
    const double send = way.sent ? bytes / floor.config.multicast_bytes_per_cycle : 0.0;
    // One processor waits for what it reads before it sends it on, so that these follow each other.
    return floor.config.block_cycles + read + send;
}

StepTimes step_times(std::uint64_t rows, std::uint64_t cols, std::uint64_t depth, const Plan& plan,
                     const Shape& shape, const Floor& floor) {
    const ProductConfig& config = floor.config;
    const double products =
        static_cast<double>(rows * cols * depth) * config.product_cycles(shape.format, shape.fidelity);
    const double packing = static_cast<double>(rows * cols) * config.pack_cycles(shape.format);
    return {floor.clock.time_for(cycles_of_block(rows * depth, way_of_in0(plan, shape), plan, shape, floor)),
            floor.clock.time_for(cycles_of_block(cols * depth, way_of_in1(plan), plan, shape, floor)),
            floor.clock.time_for(products + packing)};
}

Rate write_rate(const Floor& floor) {
    const auto& write = floor.config.write;
    return write && write->gbytes_per_s() < floor.dram.gbytes_per_s() ? *write : floor.dram;
}

/// The pipeline of one block of the result, from an idle PE on until it may be written.
Timeline follow_block(const Plan& plan, std::uint64_t rows, std::uint64_t cols, const Shape& shape,
                      const Floor& floor) {
    Timeline made;
    Picoseconds in0, in1, done, before;  // ends: of the movers' last blocks, of the engine's last two
    StepTimes step;
    std::uint64_t known = 0;  // the depth that `step` is of
    for (const std::uint64_t depth : plan.depths) {
        if (depth != known) step = step_times(rows, cols, depth, plan, shape, floor);
        known = depth;
        // Of the two buffers one is free when the product before the last has ended.
        in0 = std::max(in0, before) + step.in0;
        in1 = std::max(in1, before) + step.in1;
        before = done;
        done = std::max({in0, in1, done}) + step.engine;
        made.in0 += step.in0;
        made.in1 += step.in1;
        made.engine += step.engine;
    }
    made.time = done;
    return made;
}

/// Blocks that are alike, by how many rows or columns of the result all PEs have in each: `lines` PEs of `each`, of
/// which the last one may have less than the blocks, which begin at `begin` of each part, would hold.
std::array<Piece, 3> present(const Piece& blocks, std::uint64_t begin, std::uint64_t each, std::uint64_t lines,
                             std::uint64_t whole) {
    const std::uint64_t last = whole - (lines - 1) * each, left = last - std::min(last, begin);
    const std::uint64_t full = std::min(blocks.count, left / blocks.size);
    const std::uint64_t part = full < blocks.count ? left % blocks.size : 0, others = blocks.size * (lines - 1);
    const std::uint64_t cut = part > 0 ? 1 : 0;
    return {Piece{others + blocks.size, full}, Piece{others + part, cut}, Piece{others, blocks.count - full - cut}};
}

/// Of all blocks that have so many rows and columns.
Picoseconds writing_of(const std::array<Piece, 3>& rows, const std::array<Piece, 3>& cols, const Shape& shape,
                       const Floor& floor) {
    Picoseconds all;
    if (shape.out_in_cores) return all;
    const Rate rate = write_rate(floor);
    for (const Piece& r : rows)
        for (const Piece& c : cols)
            all += rate.time_for(Bytes(r.size * c.size * tile_bytes(shape.format))) * (r.count * c.count);
    return all;
}

std::uint64_t whole_bytes(std::uint64_t rows, std::uint64_t cols, Format format) {
    return tiles_for(rows) * tiles_for(cols) * tile_bytes(format);
}

}  // namespace

double read_rate(const Plan& plan, const Shape& shape, const Floor& floor) {
    const double readers = static_cast<double>(plan.cols + (shape.in0_in_cores ? 0 : plan.rows));
    return std::min(floor.config.read_bytes_per_cycle, floor.dram.gbytes_per_s() / floor.clock.ghz() / readers);
}

double time_without_overlap(const Plan& plan, const Shape& shape, const Floor& floor, std::uint64_t repeats) {
    const ProductConfig& config = floor.config;
    const double blocks = static_cast<double>(plan.row_blocks() * plan.col_blocks());
    const double steps = blocks * static_cast<double>(plan.depths.size());
    const double tiles = static_cast<double>(plan.core_rows * plan.core_cols);
    const auto moved = [&](std::uint64_t lines, std::uint64_t times, const Way& way) {
        return steps * config.block_cycles + cycles_of_block(lines * plan.k * times, way, plan, shape, floor);
    };
    const double engine = tiles * static_cast<double>(plan.k) * config.product_cycles(shape.format, shape.fidelity) +
                          tiles * static_cast<double>(plan.depths.size()) * config.pack_cycles(shape.format);
    const double cycles = engine + moved(plan.core_rows, plan.col_blocks(), way_of_in0(plan, shape)) +
                          moved(plan.core_cols, plan.row_blocks(), way_of_in1(plan));
    const double written = static_cast<double>(dram_written(shape).value()) / write_rate(floor).gbytes_per_s();
    const double one = cycles / floor.clock.ghz() + written + to_nanoseconds(config.launch);
    const double slower = config.sustained ? floor.clock.ghz() / config.sustained->ghz : 1.0;
    return one * 1000.0 * slower * static_cast<double>(repeats);
}

bool can_be_followed(const Plan& plan, const Shape& shape, const Floor& floor, std::uint64_t repeats) {
    return time_without_overlap(plan, shape, floor, repeats) <= static_cast<double>(longest_run.value());
}

std::optional<Timeline> follow(const Plan& plan, const Shape& shape, const Floor& floor, Picoseconds limit) {
    Timeline all;
    std::uint64_t row = 0;
    for (const Piece& rows : plan.row_pieces) {
        const auto rows_present = present(rows, row, plan.core_rows, plan.rows, plan.m);
        row += rows.size * rows.count;
        std::uint64_t col = 0;
        for (const Piece& cols : plan.col_pieces) {
            const auto cols_present = present(cols, col, plan.core_cols, plan.cols, plan.n);
            col += cols.size * cols.count;
            const std::uint64_t count = rows.count * cols.count;
            const Timeline one = follow_block(plan, rows.size, cols.size, shape, floor);
            const Picoseconds write = writing_of(rows_present, cols_present, shape, floor);
            // Who writes results also brings operands, and begins with those of the next block afterwards.
            all.time += one.time * count + write;
            all.engine += one.engine * count;
            all.in0 += one.in0 * count;
            all.in1 += one.in1 * count;
            all.write += write;
            if (all.time >= limit) return {};
        }
    }
    return all;
}

std::optional<Plan> fastest_plan(const Shape& shape, const Floor& floor) {
    std::optional<Plan> best;
    Picoseconds least = Picoseconds::max();
    for (const Block& block : blocks_to_try(shape, floor.grid)) {
        if (core_bytes(block, shape, floor.grid) > Bytes(floor.config.core_bytes)) continue;
        Plan plan = plan_of(shape, floor.grid, block);
        if (!can_be_followed(plan, shape, floor)) continue;
        const auto timeline = follow(plan, shape, floor, least);
        if (!timeline) continue;
        least = timeline->time;
        best = std::move(plan);
    }
    return best;
}

Picoseconds time_of_each(Picoseconds time, const Floor& floor, std::uint64_t repeats) {
    const Picoseconds one = time + floor.config.launch;
    const auto& sustained = floor.config.sustained;
    const Picoseconds all = one * repeats;
    if (!sustained || all <= sustained->after) return one;
    const double slower = floor.clock.ghz() / sustained->ghz;
    const double late = static_cast<double>((all - sustained->after).value()) * slower;
    const double mean = (static_cast<double>(sustained->after.value()) + late) / static_cast<double>(repeats);
    return Picoseconds(static_cast<std::uint64_t>(std::ceil(mean)));
}

Bytes dram_read(const Plan& plan, const Shape& shape) {
    const std::uint64_t in1 = whole_bytes(shape.k, shape.n, shape.format) * plan.row_blocks();
    const std::uint64_t in0 =
        shape.in0_in_cores ? 0 : whole_bytes(shape.m, shape.k, shape.format) * plan.col_blocks();
    return Bytes(in0 + in1);
}

Bytes dram_written(const Shape& shape) {
    return Bytes(shape.out_in_cores ? 0 : whole_bytes(shape.m, shape.n, shape.format));
}

Bytes multicast_bytes(const Plan& plan, const Shape& shape) {
    const std::uint64_t in1 = plan.in1_sent ? plan.core_cols * plan.k * plan.row_blocks() : 0;
    const std::uint64_t in0 = plan.in0_sent ? plan.core_rows * plan.k * plan.col_blocks() : 0;
    return Bytes(std::max(in0, in1) * tile_bytes(shape.format));
}

Bytes least_dram_bytes(const Shape& shape) {
    std::uint64_t bytes = whole_bytes(shape.k, shape.n, shape.format);
    if (!shape.in0_in_cores) bytes += whole_bytes(shape.m, shape.k, shape.format);
    if (!shape.out_in_cores) bytes += whole_bytes(shape.m, shape.n, shape.format);
    return Bytes(bytes);
}

}  // namespace tilemesh::product
