// SPDX-License-Identifier: Apache-2.0
// Where a rank finds the keys and values of a chunk: its own in its HBM, a received one either still in SRAM, piece
// by piece, or staged in a slot of its HBM. The rest of the kernel asks for tiles and does not care.
#pragma once

#include "sim/attention/kernel.h"

#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

struct KeyTile {
    Tile k, v;
};

class Chunks {
public:
    Chunks(tl::Context& tl, const attention::Launch& launch) : tl_(tl), launch_(launch) {}

    /// Receives one piece from `peer` and keeps it. V comes before K: once K is there, and scores can begin, the
    /// whole piece is, as the closed forms of schedules have it.
    void receive(const attention::Item& chunk, int piece, int peer);
    /// Sends one piece on.
    void send(const attention::Item& chunk, int piece, int peer);
    /// Keys [keys.begin, keys.end) of the chunk (counted from its first) for kv heads `heads` (counted from this PE's
    /// first).
    KeyTile tile(const attention::Item& chunk, attention::Range heads, attention::Range keys);
    /// How a chunk's keys are cut for `tile`: along pieces when they stay in SRAM, so that no tile crosses two of
    /// them.
    std::vector<attention::Range> tiles_of(const attention::Item& chunk) const;

private:
    attention::Range piece_keys(const attention::Item& chunk, int piece) const;
    std::int64_t keys_in(const attention::Item& chunk) const;
    bool own(const attention::Item& chunk) const { return chunk.id == launch_.rank; }
    Tensor& k_of(const attention::Item& chunk) const;
    Tensor& v_of(const attention::Item& chunk) const;
    KeyTile load(const attention::Item& chunk, attention::Range heads, attention::Range keys);
    /// The piece in SRAM, when chunks stay there; loaded first if it is this rank's own.
    KeyTile& held(const attention::Item& chunk, int piece);

    tl::Context& tl_;
    const attention::Launch& launch_;
    std::map<std::pair<int, int>, std::vector<KeyTile>> held_;  // by (user, origin), by piece
};

}  // namespace tilemesh::kernels
