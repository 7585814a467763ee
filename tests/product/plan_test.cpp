// SPDX-License-Identifier: Apache-2.0
// How products are cut: every tile of the result and of K exactly once, what a PE keeps, what moves.
#include "sim/product/execution.h"

#include <catch2/catch.hpp>

#include <numeric>

using namespace tilemesh;
using namespace tilemesh::product;

namespace {

std::uint64_t sum_of(const std::vector<Piece>& pieces) {
    std::uint64_t sum = 0;
    for (const Piece& piece : pieces) sum += piece.size * piece.count;
    return sum;
}

}  // namespace

TEST_CASE("pieces and depths cover a PE's part and all of K, whatever the sizes") {
    for (const std::uint64_t m : {1U, 33U, 640U, 3328U})
        for (const std::uint64_t k : {1U, 96U, 1000U, 2560U})
            for (const std::uint64_t side : {1U, 2U, 3U, 7U, 100U})
                for (const bool kept : {false, true}) {
                    CAPTURE(m, k, side, kept);
                    Shape shape{m, k, m + 32};
                    shape.in0_in_cores = kept;
                    const Grid grid{5, 3};
                    const Plan plan = plan_of(shape, grid, {side, side, side});
                    CHECK(sum_of(plan.row_pieces) == plan.core_rows);
                    CHECK(sum_of(plan.col_pieces) == plan.core_cols);
                    CHECK(plan.core_rows * grid.rows >= tiles_for(m));
                    CHECK((plan.core_rows - 1) * grid.rows < tiles_for(m));
                    CHECK(std::accumulate(plan.depths.begin(), plan.depths.end(), std::uint64_t{0}) == tiles_for(k));
                    CHECK(plan.block.rows <= side);
                    CHECK(plan.block.depth <= side);
                    for (const std::uint64_t depth : plan.depths) CHECK((depth >= 1 && depth <= plan.block.depth));
                }
}

TEST_CASE("thirteen tiles in blocks of at most six are five, four and four") {
    const Plan plan = plan_of({13 * 32, 32, 32}, {1, 1}, {6, 1, 1});
    REQUIRE(plan.row_pieces.size() == 2);
    CHECK(plan.row_pieces[0].size == 5);
    CHECK(plan.row_pieces[0].count == 1);
    CHECK(plan.row_pieces[1].size == 4);
    CHECK(plan.row_pieces[1].count == 2);
    CHECK(plan.row_blocks() == 3);
}

TEST_CASE("a block of K comes from one PE where in0 is kept in the PEs, and the last PE may have less") {
    Shape shape{32, 10 * 32, 32};
    const Grid grid{4, 1};  // three tiles of K each, one on the last
    CHECK(plan_of(shape, grid, {1, 1, 2}).depths == std::vector<std::uint64_t>{2, 2, 2, 2, 2});
    shape.in0_in_cores = true;
    CHECK(plan_of(shape, grid, {1, 1, 2}).depths == std::vector<std::uint64_t>{2, 1, 2, 1, 2, 1, 1});
    CHECK(plan_of(shape, grid, {1, 1, 9}).depths == std::vector<std::uint64_t>{3, 3, 3, 1});
}

TEST_CASE("a PE holds two blocks of each operand, one of the result, and what is kept there") {
    Shape shape{8 * 32, 16 * 32, 12 * 32};
    const Grid grid{2, 2};  // 4 x 6 tiles of the result each
    const auto tiles = [&](const Block& block) {
        return core_bytes(plan_of(shape, grid, block).block, shape, grid).value() / 2048;
    };
    CHECK(tiles({2, 3, 4}) == 2 * (2 + 3) * 4 + 2 * 3);
    shape.in0_in_cores = true;
    CHECK(tiles({2, 3, 4}) == 2 * (2 + 3) * 4 + 2 * 3 + 4 * 8);
    shape.out_in_cores = true;
    CHECK(tiles({2, 3, 4}) == 2 * (2 + 3) * 4 + 4 * 6 + 4 * 8);
}

TEST_CASE("a plan has just the blocks that are tried, so that what they need is known without one") {
    for (const std::uint64_t side : {1U, 13U, 36U, 100U})
        for (const bool kept : {false, true}) {
            Shape shape{side * 32, (side + 5) * 32, (side + 3) * 32};
            shape.in0_in_cores = kept;
            const Grid grid{3, 2};
            const std::uint64_t depth = kept ? (side + 5 + 2) / 3 : side + 5;
            const std::vector<Block> blocks = blocks_to_try(shape, grid);
            CHECK(blocks.front() == Block{(side + 1) / 2, (side + 3 + 2) / 3, depth});
            CHECK(blocks.back() == Block{1, 1, 1});
            for (const Block& block : blocks) {
                CHECK(plan_of(shape, grid, block).block == block);
                CHECK(depth % block.depth == 0);
            }
        }
}

TEST_CASE("the longest product that can be asked for is planned in no time that shows") {
    // 32,768 tiles a side on one PE: a look at every depth for every cut was 4 * 10^9 looks.
    const std::vector<Block> blocks = blocks_to_try({1 << 20, 1 << 20, 1 << 20}, {1, 1});
    CHECK(blocks.size() == std::size_t{362} * 362 * 16);
}

TEST_CASE("operands are read as often as the result has blocks across them, results are written once") {
    Shape shape{8 * 32, 16 * 32, 12 * 32, Format::bfloat8_b};
    const Grid grid{2, 2};
    const Plan plan = plan_of(shape, grid, {2, 3, 4});  // two by two blocks of a PE
    CHECK(dram_read(plan, shape) == Bytes((2 * 8 * 16 + 2 * 16 * 12) * 1088));
    CHECK(dram_written(shape) == Bytes(8 * 12 * 1088));
    CHECK(least_dram_bytes(shape) == Bytes((8 * 16 + 16 * 12 + 8 * 12) * 1088));
    CHECK(multicast_bytes(plan, shape) == Bytes(2 * 6 * 16 * 1088));
    shape.in0_in_cores = shape.out_in_cores = true;
    CHECK(dram_read(plan, shape) == Bytes(2 * 16 * 12 * 1088));
    CHECK(dram_written(shape) == Bytes());
    CHECK(least_dram_bytes(shape) == Bytes(16 * 12 * 1088));
}
