// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/chunks.h"

#include <algorithm>

namespace tilemesh::kernels {

using attention::Item;
using attention::Range;

std::int64_t Chunks::keys_in(const Item& chunk) const { return launch_.needs->keys_of(chunk.user, chunk.id).size(); }

Range Chunks::piece_keys(const Item& chunk, int piece) const {
    const std::int64_t size = launch_.tiling.piece_keys;
    return {piece * size, std::min((piece + 1) * size, keys_in(chunk))};
}

Tensor& Chunks::k_of(const Item& chunk) const {
    const attention::UserTensors& user = launch_.users[static_cast<std::size_t>(chunk.user)];
    return own(chunk) ? *user.k : *user.slot_k[static_cast<std::size_t>(chunk.id)];
}

Tensor& Chunks::v_of(const Item& chunk) const {
    const attention::UserTensors& user = launch_.users[static_cast<std::size_t>(chunk.user)];
    return own(chunk) ? *user.v : *user.slot_v[static_cast<std::size_t>(chunk.id)];
}

KeyTile Chunks::load(const Item& chunk, Range heads, Range keys) {
    const attention::Problem& problem = *launch_.problem;
    KeyTile tile;
    tile.k = tl_.load(tl::at(k_of(chunk), heads.begin, keys.begin),
                      Shape{heads.size(), keys.size(), problem.head_dim}, problem.dtype);
    tile.v = tl_.load(tl::at(v_of(chunk), heads.begin, keys.begin),
                      Shape{heads.size(), keys.size(), problem.value_dim}, problem.dtype);
    return tile;
}

KeyTile& Chunks::held(const Item& chunk, int piece) {
    auto& pieces = held_[{chunk.user, chunk.id}];
    if (pieces.size() <= static_cast<std::size_t>(piece)) pieces.resize(static_cast<std::size_t>(piece) + 1);
    KeyTile& tile = pieces[static_cast<std::size_t>(piece)];
    if (!tile.k && own(chunk)) tile = load(chunk, {0, launch_.heads.size()}, piece_keys(chunk, piece));
    return tile;
}

void Chunks::receive(const Item& chunk, int piece, int peer) {
    const attention::Problem& problem = *launch_.problem;
    const Range keys = piece_keys(chunk, piece);
    const int pe = launch_.peers[static_cast<std::size_t>(peer)];
    const std::int64_t heads = launch_.heads.size();
    KeyTile tile;
    tile.v = tl_.recv(pe, Shape{heads, keys.size(), problem.value_dim}, problem.dtype);
    tile.k = tl_.recv(pe, Shape{heads, keys.size(), problem.head_dim}, problem.dtype);
    if (launch_.tiling.chunks_stay) {
        held(chunk, piece) = std::move(tile);
    } else {
        tl_.store(tl::at(k_of(chunk), 0, keys.begin), tile.k);
        tl_.store(tl::at(v_of(chunk), 0, keys.begin), tile.v);
    }
}

void Chunks::send(const Item& chunk, int piece, int peer) {
    const int pe = launch_.peers[static_cast<std::size_t>(peer)];
    const KeyTile tile = launch_.tiling.chunks_stay
                             ? held(chunk, piece)
                             : load(chunk, {0, launch_.heads.size()}, piece_keys(chunk, piece));
    tl_.send(pe, tile.v);
    tl_.send(pe, tile.k);
}

std::vector<Range> Chunks::tiles_of(const Item& chunk) const {
    const attention::Tiling& tiling = launch_.tiling;
    const std::int64_t keys = keys_in(chunk), step = tiling.tile_keys;
    std::vector<Range> tiles;
    for (std::int64_t begin = 0; begin < keys;) {
        std::int64_t end = std::min(begin + step, keys);
        if (tiling.chunks_stay) end = std::min(end, (begin / tiling.piece_keys + 1) * tiling.piece_keys);
        tiles.push_back({begin, end});
        begin = end;
    }
    return tiles;
}

KeyTile Chunks::tile(const Item& chunk, Range heads, Range keys) {
    if (!launch_.tiling.chunks_stay) return load(chunk, heads, keys);
    const std::int64_t size = launch_.tiling.piece_keys;
    const auto piece = static_cast<int>(keys.begin / size);
    const KeyTile& whole = held(chunk, piece);
    const std::int64_t first = keys.begin - piece * size;
    const auto part = [&](const Tile& tile) {
        return tl_.slice(tl_.slice(tile, 0, heads.begin, heads.end), 1, first, first + keys.size());
    };
    return {part(whole.k), part(whole.v)};
}

}  // namespace tilemesh::kernels
