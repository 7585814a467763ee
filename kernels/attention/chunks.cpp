// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/chunks.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::kernels {

Ranges messages_of(const Ranges& keys, std::int64_t piece_keys) {
    Ranges messages;
    for (const Range& range : keys)
        for (std::int64_t begin = range.begin; begin < range.end;) {
            const std::int64_t end = std::min(range.end, (begin / piece_keys + 1) * piece_keys);
            messages.push_back({begin, end});
            begin = end;
        }
    return messages;
}

Chunks::Chunks(tl::Context& tl, const Launch& launch) : tl_(tl), launch_(launch) {
    has_fence_ = launch.tiling.launches == attention::Launches::waited;
    for (const Action& action : launch.schedule->program(launch.rank))
        has_fence_ = has_fence_ || action.kind == Action::Kind::fence;
    if (!launch.tiling.chunks_stay) return;
    const auto expect = [&](const Item& chunk, const Ranges& keys) {
        std::vector<Message>& messages = held_[chunk];
        for (const Range& message : messages_of(keys, launch.tiling.piece_keys)) messages.push_back({message, {}});
    };
    for (int user = 0; user < launch.needs->users(); ++user)
        for (int part = 0; part < launch.schedule->head_parts(); ++part)
            for (const int id : {launch.rank, launch.needs->shared_id()})
                if (const std::int64_t keys = launch.needs->keys(user, id).size(); keys > 0)
                    expect({.user = user, .id = id, .head_part = part}, {{0, keys}});
    for (const Action& action : launch.schedule->program(launch.rank))
        if (action.kind == Action::Kind::receive && action.item.kind == Item::Kind::chunk)
            expect(action.item, action.keys);
    for (auto& [chunk, messages] : held_)
        std::sort(messages.begin(), messages.end(),
                  [](const Message& a, const Message& b) { return a.keys.begin < b.keys.begin; });
}

attention::KeyTensors Chunks::tensors_of(const Item& chunk) const {
    const attention::UserTensors& user = launch_.users[static_cast<std::size_t>(chunk.user)];
    if (shared(chunk)) return user.shared;
    return own(chunk) ? attention::KeyTensors{user.k, user.v} : launch_.chunks.at(chunk);
}

std::int64_t Chunks::first_head(const Item& chunk) const {
    return own(chunk) ? 0 : launch_.heads_of_part(chunk.head_part).begin;
}

Tile Chunks::load_keys(const Item& chunk, Range heads, Range keys) {
    const std::int64_t first = heads.begin - first_head(chunk);
    return tl_.load(tl::at(*tensors_of(chunk).k, first, keys.begin),
                    Shape{heads.size(), keys.size(), launch_.problem->head_dim}, launch_.problem->dtype);
}

Tile Chunks::load_values(const Item& chunk, Range heads, Range keys, const Tile& k) {
    const attention::Problem& problem = *launch_.problem;
    if (problem.latents) return tl_.slice(k, 2, 0, problem.value_dim);
    const std::int64_t first = heads.begin - first_head(chunk);
    return tl_.load(tl::at(*tensors_of(chunk).v, first, keys.begin),
                    Shape{heads.size(), keys.size(), problem.value_dim}, problem.dtype);
}

std::vector<Chunks::Message>& Chunks::held(const Item& chunk) {
    std::vector<Message>* const found = held_.find(chunk);
    if (!found) fail<InternalError>("{} is not held here", name_of(chunk));
    return *found;
}

Chunks::Message& Chunks::held(const Item& chunk, Range keys) {
    std::vector<Message>& messages = held(chunk);
    const auto after = std::upper_bound(messages.begin(), messages.end(), keys.begin,
                                        [](std::int64_t begin, const Message& m) { return begin < m.keys.begin; });
    if (after == messages.begin() || std::prev(after)->keys.end < keys.end)
        fail<InternalError>("keys {} to {} of {} are in no one message", keys.begin, keys.end, name_of(chunk));
    return *std::prev(after);
}

void Chunks::receive(const Item& chunk, Range keys, int peer) {
    const attention::Problem& problem = *launch_.problem;
    const int pe = launch_.peers[static_cast<std::size_t>(peer)];
    const std::int64_t heads = launch_.heads_of_part(chunk.head_part).size();
    KeyTile tile;
    if (!problem.latents) tile.v = tl_.recv(pe, Shape{heads, keys.size(), problem.value_dim}, problem.dtype);
    tile.k = tl_.recv(pe, Shape{heads, keys.size(), problem.head_dim}, problem.dtype);
    if (problem.latents) tile.v = tl_.slice(tile.k, 2, 0, problem.value_dim);
    if (has_fence_) last_received_[peer] = tile.k;
    if (launch_.tiling.chunks_stay) {
        held(chunk, keys).tile = std::move(tile);
    } else {
        const attention::KeyTensors tensors = tensors_of(chunk);
        tl_.store(tl::at(*tensors.k, 0, keys.begin), tile.k);
        if (!problem.latents) tl_.store(tl::at(*tensors.v, 0, keys.begin), tile.v);
    }
}

void Chunks::wait_for_all() {
    for (const auto& [peer, tile] : last_received_) tl_.wait(tile);
    last_received_.clear();
}

void Chunks::send(const Item& chunk, Range keys, std::span<const int> to) {
    const std::vector<int> pes = launch_.peers_of(to);
    const KeyTile part = tile(chunk, launch_.heads_of_part(chunk.head_part), keys);
    if (!launch_.problem->latents) tl_.multicast(pes, part.v);
    tl_.multicast(pes, part.k);
}

Ranges Chunks::tiles_of(const Item& chunk, const Ranges& keys) const {
    const attention::Tokens& tokens = launch_.needs->keys(chunk.user, chunk.id);
    Ranges whole = keys;
    if (launch_.tiling.chunks_stay) {
        Ranges messages;
        for (const Message& message : *held_.find(chunk)) messages.push_back(message.keys);
        whole = attention::intersection(keys, messages);
    }
    Ranges tiles;
    for (const Range& range : whole)
        for (const Range& in_run : tokens.cut(range, tokens.size()))
            for (std::int64_t begin = in_run.begin; begin < in_run.end; begin += launch_.tiling.tile_keys)
                tiles.push_back({begin, std::min(begin + launch_.tiling.tile_keys, in_run.end)});
    return tiles;
}

Tile Chunks::part(const Item& chunk, const Tile& whole, const Message& message, Range heads, Range keys) {
    const std::int64_t first = launch_.heads_of_part(chunk.head_part).begin;
    return tl_.slice(tl_.slice(whole, 0, heads.begin - first, heads.end - first), 1, keys.begin - message.keys.begin,
                     keys.end - message.keys.begin);
}

Tile Chunks::keys(const Item& chunk, Range heads, Range keys) {
    if (!launch_.tiling.chunks_stay) return load_keys(chunk, heads, keys);
    Message& message = held(chunk, keys);
    if (!message.tile.k && own(chunk))
        message.tile.k = load_keys(chunk, launch_.heads_of_part(chunk.head_part), message.keys);
    return part(chunk, message.tile.k, message, heads, keys);
}

Tile Chunks::values(const Item& chunk, Range heads, Range keys, const Tile& k) {
    if (!launch_.tiling.chunks_stay) return load_values(chunk, heads, keys, k);
    Message& message = held(chunk, keys);
    if (!message.tile.v && own(chunk))
        message.tile.v = load_values(chunk, launch_.heads_of_part(chunk.head_part), message.keys, message.tile.k);
    return part(chunk, message.tile.v, message, heads, keys);
}

KeyTile Chunks::tile(const Item& chunk, Range heads, Range of_keys) {
    KeyTile tile;
    tile.k = keys(chunk, heads, of_keys);
    tile.v = values(chunk, heads, of_keys, tile.k);
    return tile;
}

}  // namespace tilemesh::kernels
