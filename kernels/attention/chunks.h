// SPDX-License-Identifier: Apache-2.0
// Where a rank finds the keys and values of a chunk: its own in its HBM, a received one either still in SRAM, message
// by message, or staged in its HBM. The rest of the kernel asks for tiles and does not care.
#pragma once

#include "sim/attention/item_map.h"
#include "sim/attention/kernel.h"

#include <map>
#include <span>
#include <vector>

namespace tilemesh::kernels {

using attention::Action;
using attention::Item;
using attention::Launch;
using attention::Range;
using attention::Ranges;

/// Keys of each message of a transfer: its ranges, cut at multiples of `piece_keys`. Both ends cut alike.
Ranges messages_of(const Ranges& keys, std::int64_t piece_keys);

struct KeyTile {
    Tile k, v;  // with latents v is a view of the first columns of k
};

class Chunks {
public:
    Chunks(tl::Context& tl, const Launch& launch);

    /// Receives one message from `peer` and keeps it. V comes before K: once K is there, and scores can begin, the
    /// whole message is, as the closed forms of schedules have it.
    void receive(const Item& chunk, Range keys, int peer);
    /// Sends one message on.
    void send(const Item& chunk, Range keys, std::span<const int> to);
    /// Keys of the chunk (local indices) for kv heads `heads` (counted from this PE's first).
    KeyTile tile(const Item& chunk, Range heads, Range keys);
    /// Of them K alone, and then V.
    Tile keys(const Item& chunk, Range heads, Range keys);
    Tile values(const Item& chunk, Range heads, Range keys, const Tile& k);
    /// This PE has it from the beginning.
    bool own(const Item& chunk) const { return chunk.id == launch_.rank || shared(chunk); }
    /// The kernel stands still until everything received so far is here.
    void wait_for_all();
    /// How keys of a chunk are cut for `tile`: no tile crosses two runs of tokens, nor, when they stay in SRAM, two
    /// messages.
    Ranges tiles_of(const Item& chunk, const Ranges& keys) const;

private:
    struct Message {
        Range keys;
        KeyTile tile;
    };
    bool shared(const Item& chunk) const { return chunk.id == launch_.needs->shared_id(); }
    attention::KeyTensors tensors_of(const Item& chunk) const;
    /// First kv head of the chunk's tensors and messages, counted from this PE's first.
    std::int64_t first_head(const Item& chunk) const;
    Tile load_keys(const Item& chunk, Range heads, Range keys);
    Tile load_values(const Item& chunk, Range heads, Range keys, const Tile& k);
    /// The message in SRAM that holds `keys`, when chunks stay there.
    std::vector<Message>& held(const Item& chunk);
    Message& held(const Item& chunk, Range keys);
    /// Of a tile of a whole message, those of some heads and keys.
    Tile part(const Item& chunk, const Tile& whole, const Message& message, Range heads, Range keys);

    tl::Context& tl_;
    const Launch& launch_;
    bool has_fence_ = false;
    std::map<int, Tile> last_received_;  // by peer, when there is a fence: messages of one peer come in order
    attention::ItemMap<std::vector<Message>> held_;  // sorted by keys; empty unless chunks stay
};

}  // namespace tilemesh::kernels
