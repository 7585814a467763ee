// SPDX-License-Identifier: Apache-2.0
// A planned matrix product in time: blocks that are read, multicast along rows and columns, multiplied and written,
// with two buffers for each operand. Plain C++; nothing here needs SystemC.
#pragma once

#include "sim/product/plan.h"

#include <cstdint>
#include <optional>

namespace tilemesh::product {

/// What a product runs on.
struct Floor {
    const ProductConfig& config;
    Grid grid;
    Clock clock;
    Rate dram;  // of all channels together
};

/// What blocks cost there.
struct Timeline {
    Picoseconds time;    // of one product that begins at once, from its first block until the last is written
    Picoseconds engine;  // of the PE that has the most: multiplying, and taking results out
    Picoseconds in0, in1, write;  // of the movers that are busiest with it
};

/// Picoseconds of so many products if nothing overlapped: they cannot take longer. May be more than `longest_run`.
double time_without_overlap(const Plan& plan, const Shape& shape, const Floor& floor, std::uint64_t repeats);
bool can_be_followed(const Plan& plan, const Shape& shape, const Floor& floor, std::uint64_t repeats = 1);

/// Of a plan that can be followed. As soon as it takes `limit` or longer it is not worth it: nothing.
std::optional<Timeline> follow(const Plan& plan, const Shape& shape, const Floor& floor,
                               Picoseconds limit = Picoseconds::max());

/// Of the plans whose blocks fit into a PE's memory and that can be followed that which takes least, the first of
/// equal ones; nothing: none fits.
std::optional<Plan> fastest_plan(const Shape& shape, const Floor& floor);

/// Mean time of one of `repeats` products, one after the other without a pause.
Picoseconds time_of_each(Picoseconds time, const Floor& floor, std::uint64_t repeats);

/// Of all PEs together: operands as often as they are read, results once; whole tiles.
Bytes dram_read(const Plan& plan, const Shape& shape);
Bytes dram_written(const Shape& shape);
/// What the PE or column with the most sends to all PEs of its row or column.
Bytes multicast_bytes(const Plan& plan, const Shape& shape);
/// No schedule moves less through DRAM.
Bytes least_dram_bytes(const Shape& shape);

/// The rate at which each of the PEs that read gets its blocks, bytes a cycle; idle ones take no share.
double read_rate(const Plan& plan, const Shape& shape, const Floor& floor);

}  // namespace tilemesh::product
