// SPDX-License-Identifier: Apache-2.0
// Gradients of chunks on their way: registers (dk, dv) in HBM, f32, cell by cell, and what they become at home. A
// cell that nobody wrote is 0. The gradient of a chunk that only its own rank attends has no register: it is stored
// as it is made. With latents the sum of dv and of the columns of dk that it shares is kept and sent in place of dv,
// and of dk what is left: together the gradient of k.
#pragma once

#include "kernels/backward/block.h"
#include "sim/attention/kernel.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

using attention::Action;
using attention::Item;
using attention::Launch;
using attention::Range;
using attention::Ranges;

/// What is stored, summed and sent at once.
struct GradientPiece {
    Range heads;  // a block of tile_heads, counted from the PE's first
    Range cell;   // of keys
};

class GradientRegisters {
public:
    GradientRegisters(tl::Context& tl, const Launch& launch);

    /// Cells of a chunk.
    const Ranges& cells(const Item& chunk);
    /// Pieces of the cells `keys` of a chunk; both ends of a transfer cut alike.
    std::vector<GradientPiece> pieces(const Item& chunk, const Ranges& keys);

    /// Does the gradient of the chunk end on this rank?
    bool is_own(const Item& item) const { return launch_.needs->home_of(item.id) == launch_.rank; }
    /// So many tiles of keys of such a chunk will be added or found unseen.
    void expect_own(const Item& chunk, std::size_t tiles) { own(chunk).tiles_left += tiles; }
    /// And these cells of another register will be merged into register 0.
    void expect_merge(const Item& into, const Ranges& keys);
    /// Adds sums over some queries to register 0 of a chunk. `keys` are whole cells.
    void add(const Item& chunk, Range heads, Range keys, const KeySums& key_sums);
    /// Nobody sees these keys: they are 0 unless something else is added.
    void add_nothing(const Item& chunk, Range heads, Range keys);
    /// Adds the cells `keys` of another register of the same chunk to `into`.
    void merge(const Item& into, int from_copy, const Ranges& keys);
    void send(int peer, const Item& reg, const GradientPiece& piece);
    void receive(int peer, const Item& reg, const GradientPiece& piece);
    /// The same and a merge into register 0 at once.
    void receive_and_merge(int peer, const Item& reg, const GradientPiece& piece);
    /// What is still open of dk and dv of this rank's own keys, in the storage type.
    void finish(int user);

private:
    struct Sums {
        Tile dk, dv;  // dk is empty when dv shares all of its columns
    };
    /// Columns of dk that are kept beside dv: all, or with latents those behind the columns they share.
    std::int64_t dk_columns() const;
    /// What a sum of dk is multiplied by: the gradient is of k itself, not of its stored elements.
    float key_scale() const { return static_cast<float>(launch_.problem->scale / launch_.problem->scales.k); }
    /// A tile's sums as they are kept.
    Sums kept(const KeySums& sums);
    using Corner = std::pair<std::int64_t, std::int64_t>;  // first head and first key of a piece
    static Corner corner(const GradientPiece& piece) { return {piece.heads.begin, piece.cell.begin}; }
    struct Own {
        std::size_t tiles_left = 0;
        std::map<Corner, int> merges_left;
        std::set<Corner> stored;  // finished
    };
    bool written(const Item& reg, const GradientPiece& piece) const {
        return written_.contains({reg, corner(piece)});
    }
    Own& own(const Item& item) { return own_[{item.user, item.id}]; }
    Sums receive(int peer, const GradientPiece& piece);
    Sums load(const Item& reg, const GradientPiece& piece);
    void store(const Item& reg, const GradientPiece& piece, const Sums& sums);
    /// What completes the gradient of this rank's own chunk is stored as its result.
    void merge_piece(const Item& into, const GradientPiece& piece, const Sums& share);
    /// sums, and what the register holds if anything.
    Sums with(const Item& reg, const GradientPiece& piece, Sums sums);
    attention::KeyTensors results_of(const Item& item) const;
    void store_result(const Item& item, Range heads, Range keys, const Sums& sums);
    void finish_chunk(const Item& chunk);
    Sums zeros(const GradientPiece& piece, Dtype dtype);

    tl::Context& tl_;
    const Launch& launch_;
    Ranges head_blocks_;
    std::map<std::pair<int, int>, Own> own_;  // by user and chunk
    std::map<Item, Ranges> cells_;            // by chunk
    std::set<std::pair<Item, Corner>> written_;
};

}  // namespace tilemesh::kernels
