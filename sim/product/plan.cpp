// SPDX-License-Identifier: Apache-2.0
#include "sim/product/plan.h"

#include <algorithm>

namespace tilemesh::product {
namespace {

std::uint64_t ceil_of(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

/// As few pieces as pieces of at most `most` can be, which differ by one at most, longer ones first.
std::vector<Piece> even_pieces(std::uint64_t whole, std::uint64_t most) {
    const std::uint64_t pieces = ceil_of(whole, most), longer = whole % pieces;
    std::vector<Piece> made;
    if (longer > 0) made.push_back({whole / pieces + 1, longer});
    made.push_back({whole / pieces, pieces - longer});
    return made;
}

void cut(std::vector<std::uint64_t>& depths, std::uint64_t whole, std::uint64_t depth) {
    for (; whole > depth; whole -= depth) depths.push_back(depth);
    if (whole > 0) depths.push_back(whole);
}

std::uint64_t count_of(const std::vector<Piece>& pieces) {
    std::uint64_t count = 0;
    for (const Piece& piece : pieces) count += piece.count;
    return count;
}

/// Sizes of the largest piece of 1, 2, 3, ... pieces, each once.
std::vector<std::uint64_t> sizes_of_pieces(std::uint64_t whole) {
    std::vector<std::uint64_t> sizes;
    for (std::uint64_t pieces = 1; pieces <= whole; ++pieces)
        if (const std::uint64_t size = ceil_of(whole, pieces); sizes.empty() || sizes.back() != size)
            sizes.push_back(size);
    return sizes;
}

}  // namespace

std::uint64_t tiles_for(std::uint64_t elements) { return ceil_of(elements, tile_side); }
std::uint64_t Plan::row_blocks() const { return count_of(row_pieces); }
std::uint64_t Plan::col_blocks() const { return count_of(col_pieces); }

Plan plan_of(const Shape& shape, const Grid& grid, const Block& block) {
    Plan plan;
    plan.m = tiles_for(shape.m);
    plan.k = tiles_for(shape.k);
    plan.n = tiles_for(shape.n);
    plan.core_rows = ceil_of(plan.m, grid.rows);
    plan.core_cols = ceil_of(plan.n, grid.cols);
    plan.rows = ceil_of(plan.m, plan.core_rows);
    plan.cols = ceil_of(plan.n, plan.core_cols);
    plan.row_pieces = even_pieces(plan.core_rows, block.rows);
    plan.col_pieces = even_pieces(plan.core_cols, block.cols);
    plan.block = {plan.row_pieces.front().size, plan.col_pieces.front().size, std::min(block.depth, plan.k)};
    // A block of K comes from one PE of the row where in0 is kept in them.
    const std::uint64_t kept = shape.in0_in_cores ? ceil_of(plan.k, grid.cols) : plan.k;
    plan.block.depth = std::min(plan.block.depth, kept);
    plan.in0_sent = plan.cols > 1 || kept < plan.k;
    plan.in1_sent = plan.rows > 1;
    for (std::uint64_t begin = 0; begin < plan.k; begin += kept)
        cut(plan.depths, std::min(kept, plan.k - begin), plan.block.depth);
    return plan;
}

Bytes core_bytes(const Block& block, const Shape& shape, const Grid& grid) {
    const std::uint64_t rows = ceil_of(tiles_for(shape.m), grid.rows), cols = ceil_of(tiles_for(shape.n), grid.cols);
    const std::uint64_t operands = 2 * (block.rows + block.cols) * block.depth;
    const std::uint64_t kept = shape.in0_in_cores ? rows * ceil_of(tiles_for(shape.k), grid.cols) : 0;
    const std::uint64_t results = shape.out_in_cores ? rows * cols : block.rows * block.cols;
    return Bytes((operands + kept + results) * tile_bytes(shape.format));
}

std::vector<Block> blocks_to_try(const Shape& shape, const Grid& grid) {
    const Plan whole = plan_of(shape, grid, {1, 1, 1});
    const std::uint64_t kept = shape.in0_in_cores ? ceil_of(whole.k, grid.cols) : whole.k;
    std::vector<std::uint64_t> depths;
    for (std::uint64_t depth = kept; depth >= 1; --depth)
        if (kept % depth == 0) depths.push_back(depth);
    std::vector<Block> blocks;
    for (const std::uint64_t rows : sizes_of_pieces(whole.core_rows))
        for (const std::uint64_t cols : sizes_of_pieces(whole.core_cols))
            for (const std::uint64_t depth : depths) blocks.push_back({rows, cols, depth});
    return blocks;
}

}  // namespace tilemesh::product
