// SPDX-License-Identifier: Apache-2.0
// How a matrix product is spread over a grid of PEs: who computes which part of the result, in which blocks, and in
// which blocks of K its operands come. All counts are of tiles. Times, bytes and values are of the same plan.
#pragma once

#include "sim/product/config.h"

#include <cstdint>
#include <vector>

namespace tilemesh::product {

/// out [m, n] = in0 [m, k] in1 [k, n]. in1 lies in DRAM, interleaved over its channels.
struct Shape {
    std::uint64_t m = 1, k = 1, n = 1;  // elements
    Format format = Format::bfloat16;   // of all three
    Fidelity fidelity = Fidelity::hifi2;
    bool in0_in_cores = false;  // in the PEs' memories, as the grid divides it, instead of DRAM
    bool out_in_cores = false;
};

struct Grid {
    std::uint64_t cols = 1, rows = 1;
    std::uint64_t pes() const { return cols * rows; }
};

std::uint64_t tiles_for(std::uint64_t elements);

/// The largest block: rows and columns of the result that a PE holds at once, and how much of K comes at once.
struct Block {
    std::uint64_t rows = 1, cols = 1, depth = 1;
    bool operator==(const Block&) const = default;
};

/// So many pieces of that size.
struct Piece {
    std::uint64_t size = 0, count = 0;
};

struct Plan {
    Block block;
    std::uint64_t m = 0, k = 0, n = 0;           // of the whole, rounded up
    std::uint64_t core_rows = 0, core_cols = 0;  // of the result, on the PEs that have the most of it
    std::uint64_t rows = 0, cols = 0;            // of the grid, that have some of the result; the others are idle
    bool in0_sent = false, in1_sent = false;     // to other PEs: one that is alone sends itself nothing
    std::vector<Piece> row_pieces, col_pieces;   // those, in blocks that are as even as can be
    std::vector<std::uint64_t> depths;           // of the blocks of K, in their order

    std::uint64_t row_blocks() const;
    std::uint64_t col_blocks() const;
    /// That have some of the result.
    std::uint64_t pes() const { return cols * rows; }
};

Plan plan_of(const Shape& shape, const Grid& grid, const Block& block);

/// Of one PE's memory: two blocks of each operand, one of the result, and what of operand and result is kept there.
Bytes core_bytes(const Block& block, const Shape& shape, const Grid& grid);

/// Blocks that are worth trying: every way to cut a PE's part evenly, and every depth that divides K, or what a PE
/// keeps of it. Their plans have just these blocks.
std::vector<Block> blocks_to_try(const Shape& shape, const Grid& grid);

}  // namespace tilemesh::product
