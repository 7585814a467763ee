// SPDX-License-Identifier: Apache-2.0
// What the rows of a table are cut into at least, and what the smallest of these pieces cost (latency_bound.h).
#pragma once

#include "sim/attention/bounds.h"
#include "sim/attention/sharding.h"

#include <cstdint>

namespace tilemesh::attention {

/// How the queries of one rank, user and head part are cut.
struct Blocks {
    std::int64_t count = 0;
    std::int64_t heads = 0, rows = 0;  // of the smallest
};

class Pieces {
public:
    /// All must outlive this. `heads_kv`: of the member that has most.
    Pieces(const Problem& problem, const NeedSets& needs, const Schedule& schedule, const Wiring& wiring,
           const FixedCosts& fixed, std::int64_t heads_kv)
        : problem_(problem),
          needs_(needs),
          schedule_(schedule),
          wiring_(wiring),
          fixed_(fixed),
          heads_kv_(heads_kv) {}

    Range heads_of(int head_part) const { return contiguous_part(heads_kv_, schedule_.head_parts(), head_part); }
    /// Of the queries of a rank, under one head part.
    Blocks blocks_of(int user, int owner, int head_part) const;
    Blocks blocks_of(const Item& item) const { return blocks_of(item.user, item.id, item.head_part); }
    /// Of the smallest message of a transfer that may come last: of a partial result that of o, which is made last.
    double piece_bytes(const Action& send, double bytes) const;
    /// Of an attend without masked pairs, all of whose queries share an array at best.
    double products_ns(const Action& attend, std::int64_t heads) const;
    /// Of any tile of a rank's own chunk.
    std::int64_t fewest_keys(const Action& attend) const;
    double softmax_ns(std::int64_t elements) const;

private:
    const Problem& problem_;
    const NeedSets& needs_;
    const Schedule& schedule_;
    const Wiring& wiring_;
    const FixedCosts& fixed_;
    std::int64_t heads_kv_;
};

}  // namespace tilemesh::attention
