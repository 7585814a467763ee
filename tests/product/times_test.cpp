// SPDX-License-Identifier: Apache-2.0
// Times of products that can be worked out by hand, and what the fastest plan is.
#include "sim/product/execution.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::product;

namespace {

constexpr double tile = 2048.0;  // bytes of bfloat16

/// A cycle is a nanosecond; 64 bytes of a tile read and 32 sent in one.
ProductConfig plain() {
    ProductConfig config;
    config.core_bytes = 1 << 20;
    config.multicast_bytes_per_cycle = 32;
    config.read_bytes_per_cycle = 64;
    return config;
}
Shape tiles(std::uint64_t m, std::uint64_t k, std::uint64_t n) { return {m * 32, k * 32, n * 32}; }
Floor floor_of(const ProductConfig& config, const Grid& grid, double dram = 1e6) {
    return {config, grid, Clock(1.0), Rate::gbytes_per_s(dram)};
}
double ns_of(const Shape& shape, const Floor& floor, const Block& block) {
    return to_nanoseconds(follow(plan_of(shape, floor.grid, block), shape, floor)->time);
}
double rate_of(const Shape& shape, const Floor& floor) {
    return read_rate(plan_of(shape, floor.grid, {1, 1, 1}), shape, floor);
}

constexpr double alone = tile / 64;          // a tile of an operand comes to a PE
constexpr double bring = alone + tile / 32;  // and is sent on

}  // namespace

TEST_CASE("one tile is brought, multiplied and written") {
    const ProductConfig config = plain();
    Shape shape = tiles(1, 1, 1);
    CHECK(ns_of(shape, floor_of(config, {1, 1}, 256), {1, 1, 1}) == alone + 32 + tile / 256);
    shape.out_in_cores = true;
    CHECK(ns_of(shape, floor_of(config, {1, 1}, 256), {1, 1, 1}) == alone + 32);
    shape.fidelity = Fidelity::hifi4;
    CHECK(ns_of(shape, floor_of(config, {1, 1}, 256), {1, 1, 1}) == alone + 64);
}

TEST_CASE("with two buffers the slower of movers and engine decides, and what comes first and last shows") {
    const ProductConfig config = plain();
    Shape slow_movers = tiles(2, 5, 2);  // a block takes 96 to bring, 32 to multiply
    slow_movers.out_in_cores = true;
    CHECK(ns_of(slow_movers, floor_of(config, {2, 2}), {1, 1, 1}) == 5 * bring + 32);
    Shape slow_engine = tiles(8, 5, 8);  // 4 x 96 to bring, 16 x 32 to multiply
    slow_engine.out_in_cores = true;
    CHECK(ns_of(slow_engine, floor_of(config, {2, 2}), {4, 4, 1}) == 4 * bring + 5 * 16 * 32);
}

TEST_CASE("a mover that has filled both buffers waits, though a longer block comes next") {
    // In0 lies in two PEs of three blocks of K each, which come as 2, 1, 2, 1. In1 takes 192 and 96 to bring, the
    // engine 64 + 128 and 32 + 128: it frees the first buffer at 384, and the third block of in1 is there at 576.
    ProductConfig config = plain();
    config.pack_bytes_per_cycle = 16;
    Shape shape = tiles(2, 6, 2);
    shape.in0_in_cores = shape.out_in_cores = true;
    CHECK(ns_of(shape, floor_of(config, {2, 2}), {1, 1, 2}) == 576 + (64 + 128) + (32 + 128));
}

TEST_CASE("the wider operand is the slower one, and in0 that is kept in the PEs is not read") {
    const ProductConfig config = plain();
    Shape shape = tiles(12, 1, 4);
    shape.out_in_cores = true;
    CHECK(ns_of(shape, floor_of(config, {2, 2}), {6, 2, 1}) == 6 * bring + 12 * 32);
    shape.in0_in_cores = true;
    CHECK(ns_of(shape, floor_of(config, {2, 2}), {6, 2, 1}) == 6 * tile / 32 + 12 * 32);
}

TEST_CASE("PEs that read share DRAM: one of each row for in0, one of each column for in1") {
    const ProductConfig config = plain();
    Shape shape = tiles(2, 1, 6);
    CHECK(rate_of(shape, floor_of(config, {6, 2}, 80)) == 10.0);
    CHECK(rate_of(shape, floor_of(config, {6, 2}, 8000)) == 64.0);
    shape.in0_in_cores = shape.out_in_cores = true;
    CHECK(rate_of(shape, floor_of(config, {6, 2}, 60)) == 10.0);
    CHECK(ns_of(shape, floor_of(config, {6, 2}, 96), {1, 1, 1}) == tile / 16 + tile / 32 + 32);
}

TEST_CASE("PEs without a part of the result neither read nor write") {
    ProductConfig config = plain();
    config.write = Rate::gbytes_per_s(32);
    // Of 8 rows and 9 columns, 5 tiles take 5 rows of one each, 12 tiles 6 columns of two.
    const Shape some = tiles(5, 1, 12);
    CHECK(plan_of(some, {9, 8}, {1, 2, 1}).pes() == 5 * 6);
    CHECK(rate_of(some, floor_of(config, {9, 8}, 110)) == 10.0);
    CHECK(ns_of(some, floor_of(config, {9, 8}, 110), {1, 2, 1}) ==
          Approx(2 * (tile / 10 + tile / 32) + 2 * 32 + 5 * 12 * tile / 32));
    const Shape one = tiles(1, 8, 1);
    CHECK(ns_of(one, floor_of(config, {9, 8}, 64), {1, 1, 2}) == ns_of(one, floor_of(config, {1, 1}, 64), {1, 1, 2}));
}

TEST_CASE("a PE sends to others only: a column of PEs the blocks of in1, a row those of in0") {
    const ProductConfig config = plain();
    const auto time = [&](std::uint64_t m, std::uint64_t n, bool kept) {
        Shape shape = tiles(m, 2, n);
        shape.out_in_cores = true;
        shape.in0_in_cores = kept;
        const Floor floor = floor_of(config, {4, 4});
        const Plan plan = plan_of(shape, floor.grid, {1, 1, 1});
        CHECK((multicast_bytes(plan, shape) == Bytes()) == (m == 1 && n == 1 && !kept));
        return to_nanoseconds(follow(plan, shape, floor)->time);
    };
    CHECK(time(1, 1, false) == 2 * alone + 32);
    CHECK(time(4, 1, false) == 2 * bring + 32);
    CHECK(time(1, 4, false) == 2 * bring + 32);
    // The second block of K is kept in the second column, and is sent to the first.
    CHECK(time(1, 1, true) == 2 * (bring - alone) + 32);
}

TEST_CASE("handshakes are for each block, packing for each block of K, overhead for each product of tiles") {
    Shape shape = tiles(4, 6, 4);
    shape.out_in_cores = true;
    const auto with = [&](const auto& change, std::uint64_t depth) {
        ProductConfig config = plain();
        change(config);
        return ns_of(shape, floor_of(config, {1, 1}), {4, 4, depth});
    };
    const auto nothing = [](ProductConfig&) {};
    const auto handshake = [](ProductConfig& config) { config.block_cycles = 10; };
    const auto packing = [](ProductConfig& config) { config.pack_bytes_per_cycle = 64; };
    const auto overhead = [](ProductConfig& config) { config.tile_overhead_cycles = 3; };
    // The engine decides, so that only the first block's handshake shows.
    CHECK(with(handshake, 1) - with(nothing, 1) == 10);
    CHECK(with(packing, 1) - with(nothing, 1) == 6 * 16 * tile / 64);
    CHECK(with(packing, 3) - with(nothing, 3) == 2 * 16 * tile / 64);
    CHECK(with(overhead, 2) - with(nothing, 2) == 6 * 16 * 3);
}

TEST_CASE("blocks of the result follow each other, and each is written before the next is begun") {
    ProductConfig config = plain();
    config.write = Rate::gbytes_per_s(100);
    const Shape shape = tiles(3, 2, 1);
    const double block = 2 * alone + 32, write = tile / 100;
    CHECK(ns_of(shape, floor_of(config, {1, 1}), {1, 1, 1}) == Approx(3 * (block + write)));
    // DRAM that is slower than what the PEs could write decides.
    CHECK(ns_of(shape, floor_of(config, {1, 1}, 50), {1, 1, 1}) == Approx(3 * (2 * tile / 25 + 32 + tile / 50)));
}

TEST_CASE("all PEs of the grid write at once what they have of the result") {
    ProductConfig config = plain();
    config.write = Rate::gbytes_per_s(100);
    const Floor floor = floor_of(config, {2, 2});
    const double made = 2 * bring + 4 * 32;  // by the PE that has the most
    CHECK(ns_of(tiles(4, 1, 4), floor, {2, 2, 1}) == Approx(made + 16 * tile / 100));
    CHECK(ns_of(tiles(3, 1, 4), floor, {2, 2, 1}) == Approx(made + 12 * tile / 100));
    CHECK(ns_of(tiles(3, 1, 3), floor, {2, 2, 1}) == Approx(made + 9 * tile / 100));
}

TEST_CASE("every tile of the result is written once, however it is cut and whatever the last PEs have") {
    ProductConfig config = plain();
    config.write = Rate::gbytes_per_s(4.096);  // 500 ns for a tile, nothing to round
    for (const std::uint64_t m : {1U, 5U, 13U, 20U, 22U})
        for (const std::uint64_t n : {2U, 9U, 16U, 17U})
            for (const std::uint64_t rows : {1U, 2U, 3U, 5U, 7U})
                for (const std::uint64_t cols : {1U, 2U, 4U}) {
                    CAPTURE(m, n, rows, cols);
                    const Shape shape = tiles(m, 2, n);
                    const Floor floor = floor_of(config, {4, 3});
                    const auto line = follow(plan_of(shape, floor.grid, {rows, cols, 1}), shape, floor);
                    CHECK(to_nanoseconds(line->write) == static_cast<double>(m * n) * 500);
                }
}

TEST_CASE("a launch is for each product, and a chip that works for long slows down") {
    ProductConfig config = plain();
    config.launch = from_nanoseconds(500);
    config.sustained = SustainedClock{from_nanoseconds(10000), 0.5};
    const auto each = [&](std::uint64_t repeats) {
        return to_nanoseconds(time_of_each(from_nanoseconds(1500), floor_of(config, {1, 1}), repeats));
    };
    CHECK(each(1) == 2000);
    CHECK(each(5) == 2000);
    CHECK(each(10) == 3000);  // five at one clock, five at half of it
    CHECK(each(1000000) == Approx(4000).epsilon(1e-4));
    config.sustained.reset();
    CHECK(each(10) == 2000);
}

TEST_CASE("the fastest plan fits, and no other that fits takes less") {
    ProductConfig config = plain();
    config.core_bytes = 100 * 2048;
    config.block_cycles = 100;
    config.pack_bytes_per_cycle = 40;
    for (const bool kept : {false, true}) {
        Shape shape = tiles(20, 24, 18);
        shape.in0_in_cores = kept;
        const Floor floor = floor_of(config, {4, 3}, 200);
        const auto best = fastest_plan(shape, floor);
        REQUIRE(best);
        CHECK(core_bytes(best->block, shape, floor.grid) <= Bytes(config.core_bytes));
        const Picoseconds least = follow(*best, shape, floor)->time;
        std::size_t fitting = 0;
        for (std::uint64_t rows = 1; rows <= 7; ++rows)
            for (std::uint64_t cols = 1; cols <= 5; ++cols)
                for (std::uint64_t depth = 1; depth <= 24; ++depth) {
                    const Plan plan = plan_of(shape, floor.grid, {rows, cols, depth});
                    const bool divides = (kept ? 6 : 24) % plan.block.depth == 0;
                    if (!divides || core_bytes(plan.block, shape, floor.grid) > Bytes(config.core_bytes)) continue;
                    ++fitting;
                    CHECK(follow(plan, shape, floor)->time >= least);
                }
        CHECK(fitting > 20);
        CHECK_FALSE(follow(*best, shape, floor, least));
    }
    config.core_bytes = 4 * 2048;  // two blocks of each operand alone
    CHECK_FALSE(fastest_plan(tiles(20, 24, 18), floor_of(config, {4, 3})));
}
