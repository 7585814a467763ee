// SPDX-License-Identifier: Apache-2.0
#include "kernels/backward/registers.h"

#include "kernels/backward/cells.h"

#include <algorithm>

namespace tilemesh::kernels {
namespace {

Item register_of(const Item& chunk) {
    Item reg = chunk;
    reg.kind = Item::Kind::gradient;
    reg.copy = 0;
    return reg;
}

Item chunk_of(const Item& reg) {
    Item chunk = reg;
    chunk.kind = Item::Kind::chunk;
    chunk.copy = 0;
    return chunk;
}

Shape box(Range heads, Range keys, std::int64_t dim) { return {heads.size(), keys.size(), dim}; }

}  // namespace

GradientRegisters::GradientRegisters(tl::Context& tl, const Launch& launch) : tl_(tl), launch_(launch) {
    const std::int64_t heads = launch.heads.size(), most = launch.tiling.tile_heads;
    for (std::int64_t h = 0; h < heads; h += most) head_blocks_.push_back({h, std::min(h + most, heads)});
}

const Ranges& GradientRegisters::cells(const Item& chunk) {
    const auto [entry, fresh] = cells_.try_emplace(chunk);
    if (fresh) {
        // As many elements as a piece of a chunk, which has all heads.
        const attention::Tiling& tiling = launch_.tiling;
        const std::int64_t most = tiling.piece_keys * launch_.heads.size() / tiling.tile_heads;
        entry->second = gradient_cells(launch_, chunk, std::clamp<std::int64_t>(most, 1, tiling.tile_keys));
    }
    return entry->second;
}

std::vector<GradientPiece> GradientRegisters::pieces(const Item& chunk, const Ranges& keys) {
    std::vector<GradientPiece> pieces;
    for (const Range& heads : head_blocks_)
        for (const Range& cell : cells_in(cells(chunk), keys)) pieces.push_back({heads, cell});
    return pieces;
}

std::int64_t GradientRegisters::dk_columns() const {
    return launch_.problem->head_dim - (launch_.problem->latents ? launch_.problem->value_dim : 0);
}

GradientRegisters::Sums GradientRegisters::kept(const KeySums& sums) {
    const attention::Problem& problem = *launch_.problem;
    if (!problem.latents) return {sums.dk, sums.dv};
    const float scale = key_scale() * probability_scale;  // as dv has it
    Sums result;
    result.dv = tl_.fma(tl_.slice(sums.dk, 2, 0, problem.value_dim), scale, sums.dv);
    if (dk_columns() > 0) result.dk = tl_.slice(sums.dk, 2, problem.value_dim, problem.head_dim);
    return result;
}

GradientRegisters::Sums GradientRegisters::load(const Item& reg, const GradientPiece& piece) {
    const attention::KeyTensors& tensors = launch_.gradients.at(reg);
    const auto& [heads, cell] = piece;
    Sums sums;
    if (dk_columns() > 0)
        sums.dk = tl_.load(tl::at(*tensors.k, heads.begin, cell.begin), box(heads, cell, dk_columns()), Dtype::f32);
    sums.dv = tl_.load(tl::at(*tensors.v, heads.begin, cell.begin), box(heads, cell, launch_.problem->value_dim),
                       Dtype::f32);
    return sums;
}

void GradientRegisters::store(const Item& reg, const GradientPiece& piece, const Sums& sums) {
    const attention::KeyTensors& tensors = launch_.gradients.at(reg);
    if (sums.dk) tl_.store(tl::at(*tensors.k, piece.heads.begin, piece.cell.begin), sums.dk);
    tl_.store(tl::at(*tensors.v, piece.heads.begin, piece.cell.begin), sums.dv);
    written_.insert({reg, corner(piece)});
}

GradientRegisters::Sums GradientRegisters::with(const Item& reg, const GradientPiece& piece, Sums sums) {
    if (!written(reg, piece)) return sums;
    const Sums old = load(reg, piece);
    return {sums.dk ? old.dk + sums.dk : Tile(), old.dv + sums.dv};
}

GradientRegisters::Sums GradientRegisters::zeros(const GradientPiece& piece, Dtype dtype) {
    return {dk_columns() > 0 ? tl_.zeros(box(piece.heads, piece.cell, dk_columns()), dtype) : Tile(),
            tl_.zeros(box(piece.heads, piece.cell, launch_.problem->value_dim), dtype)};
}

void GradientRegisters::add(const Item& chunk, Range heads, Range keys, const KeySums& key_sums) {
    const Sums sums = kept(key_sums);
    const Item reg = register_of(chunk);
    if (is_own(chunk)) --own(chunk).tiles_left;
    const Ranges cells = cells_in(this->cells(chunk), {keys});
    if (!launch_.gradients.contains(reg)) {  // nobody else adds anything
        store_result(chunk, heads, keys, sums);
        for (const Range& cell : cells) own(chunk).stored.insert(corner({heads, cell}));
        return;
    }
    for (const Range& cell : cells) {
        const GradientPiece piece{heads, cell};
        const auto part = [&](const Tile& tile) {
            return tile ? tl_.slice(tile, 1, cell.begin - keys.begin, cell.end - keys.begin) : Tile();
        };
        store(reg, piece, with(reg, piece, {part(sums.dk), part(sums.dv)}));
    }
}

void GradientRegisters::add_nothing(const Item& chunk, Range heads, Range keys) {
    const Item reg = register_of(chunk);
    if (is_own(chunk)) --own(chunk).tiles_left;
    if (!launch_.gradients.contains(reg)) return;
    for (const Range& cell : cells_in(cells(chunk), {keys}))
        if (!written(reg, {heads, cell})) store(reg, {heads, cell}, zeros({heads, cell}, Dtype::f32));
}

void GradientRegisters::expect_merge(const Item& into, const Ranges& keys) {
    if (!is_own(into)) return;
    for (const GradientPiece& piece : pieces(chunk_of(into), keys)) ++own(into).merges_left[corner(piece)];
}

void GradientRegisters::merge_piece(const Item& into, const GradientPiece& piece, const Sums& share) {
    const Sums sums = with(into, piece, share);
    const bool complete =
        is_own(into) && into.copy == 0 && --own(into).merges_left[corner(piece)] == 0 && own(into).tiles_left == 0;
    if (complete) {
        store_result(into, piece.heads, piece.cell, sums);
        own(into).stored.insert(corner(piece));
    } else {
        store(into, piece, sums);
    }
}

void GradientRegisters::merge(const Item& into, int from_copy, const Ranges& keys) {
    Item from = into;
    from.copy = from_copy;
    for (const GradientPiece& piece : pieces(chunk_of(into), keys)) merge_piece(into, piece, load(from, piece));
}

void GradientRegisters::send(int peer, const Item& reg, const GradientPiece& piece) {
    const int pe = launch_.peers[static_cast<std::size_t>(peer)];
    const Sums sums = load(reg, piece);
    if (sums.dk) tl_.send(pe, sums.dk);
    tl_.send(pe, sums.dv);
}

GradientRegisters::Sums GradientRegisters::receive(int peer, const GradientPiece& piece) {
    const int pe = launch_.peers[static_cast<std::size_t>(peer)];
    Sums sums;
    if (dk_columns() > 0) sums.dk = tl_.recv(pe, box(piece.heads, piece.cell, dk_columns()), Dtype::f32);
    sums.dv = tl_.recv(pe, box(piece.heads, piece.cell, launch_.problem->value_dim), Dtype::f32);
    return sums;
}

void GradientRegisters::receive(int peer, const Item& reg, const GradientPiece& piece) {
    store(reg, piece, receive(peer, piece));
}

void GradientRegisters::receive_and_merge(int peer, const Item& reg, const GradientPiece& piece) {
    Item into = reg;
    into.copy = 0;
    merge_piece(into, piece, receive(peer, piece));
}

attention::KeyTensors GradientRegisters::results_of(const Item& item) const {
    const attention::UserGradientTensors& out = launch_.gradient_users[static_cast<std::size_t>(item.user)];
    return item.id == launch_.rank ? attention::KeyTensors{out.dk, out.dv} : out.shared;
}

void GradientRegisters::store_result(const Item& item, Range heads, Range keys, const Sums& sums) {
    const attention::KeyTensors out = results_of(item);
    const Dtype dtype = launch_.problem->output_dtype();
    if (sums.dk) tl_.store(tl::at(*out.k, heads.begin, keys.begin), tl_.cast(sums.dk * key_scale(), dtype));
    tl_.store(tl::at(*out.v, heads.begin, keys.begin), tl_.cast(sums.dv * (1.0F / probability_scale), dtype));
}

void GradientRegisters::finish(int user) {
    for (const int id : {launch_.rank, launch_.needs->shared_id()})
        if (const Item chunk{.user = user, .id = id}; is_own(chunk)) finish_chunk(chunk);
}

void GradientRegisters::finish_chunk(const Item& chunk) {
    const Item reg = register_of(chunk);
    const attention::KeyTensors out = results_of(chunk);
    const std::int64_t keys = launch_.needs->keys(chunk.user, chunk.id).size();
    if (keys == 0) return;
    for (const GradientPiece& piece : pieces(chunk, {{0, keys}})) {
        if (own(chunk).stored.contains(corner(piece))) continue;
        if (written(reg, piece)) {
            store_result(chunk, piece.heads, piece.cell, load(reg, piece));
            continue;
        }
        const Sums nothing = zeros(piece, launch_.problem->output_dtype());
        if (nothing.dk) tl_.store(tl::at(*out.k, piece.heads.begin, piece.cell.begin), nothing.dk);
        tl_.store(tl::at(*out.v, piece.heads.begin, piece.cell.begin), nothing.dv);
    }
}

}  // namespace tilemesh::kernels
