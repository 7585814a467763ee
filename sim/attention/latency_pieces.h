// SPDX-License-Identifier: Apache-2.0
// What the rows of a table are cut into at least, and what the smallest of these pieces cost (latency_bound.h).
#pragma once

#include "sim/attention/bound_work.h"
#include "sim/attention/bounds.h"
#include "sim/attention/sharding.h"

#include <cstdint>

namespace tilemesh::attention {

/// Of the links between that member of one rank and of another, in bytes per nanosecond; infinite when there are
/// none.
double slowest_link(const Wiring& wiring, int member, int from, int to);

/// How the queries of one rank, user and head part are cut.
struct Blocks {
    std::int64_t count = 0;
    std::int64_t heads = 0, rows = 0;  // of the smallest
    std::int64_t most_rows = 0;        // of the one that has most
};

/// How long a block product keeps the engines at work, in nanoseconds: its two products, and what is between them.
struct EngineWork {
    double scores = 0, softmax = 0, values = 0;
};

class Pieces {
public:
    /// All must outlive this. `member`: of every rank, which decides the heads.
    Pieces(const Problem& problem, const NeedSets& needs, const Schedule& schedule, const MachineRates& rates,
           const Wiring& wiring, const FixedCosts& fixed, int member)
        : problem_(problem),
          needs_(needs),
          schedule_(schedule),
          rates_(rates),
          wiring_(wiring),
          fixed_(fixed),
          heads_kv_(contiguous_part(problem.heads_kv, wiring.members, member)) {
        // Where all heads see the same, those of all members are as good, and counted once.
        if (!problem.mask->varies_by_head()) heads_kv_ = {0, heads_kv_.size()};
    }

    /// kv heads of the member, and those of them that belong to a head part.
    Range heads_kv() const { return heads_kv_; }
    Range heads_of(int head_part) const {
        const Range part = contiguous_part(heads_kv_.size(), schedule_.head_parts(), head_part);
        return {heads_kv_.begin + part.begin, heads_kv_.begin + part.end};
    }
    /// Of the queries of a rank, under one head part.
    Blocks blocks_of(int user, int owner, int head_part) const;
    Blocks blocks_of(const Item& item) const { return blocks_of(item.user, item.id, item.head_part); }
    /// Of the smallest message of a transfer that may come last: of a partial result that of o, which is made last.
    double piece_bytes(const Action& send, double bytes) const;
    /// Of an attend of so many visible triples, `all` of its pairs or some. A block of the plan is worked on whole:
    /// all its queries go past every fold of a tile of which one of them sees a key, the array takes whole folds of
    /// its own for them, and a kernel with a running maximum makes p of all of it. Where nothing is known of the
    /// cuts, or heads see unlike keys, visible pairs count alone, at peak rates.
    EngineWork work_of(const Action& attend, const Ranges& tiles, double triples, bool all) const;
    /// The keys of an attend as the plan cuts them: no tile crosses two runs, nor, of chunks that stay in SRAM, two
    /// messages. `arrived`: what transfers brought of a chunk of another rank. Empty when the kernel has cuts of its
    /// own.
    Ranges tiles_of(const Action& attend, const Ranges* arrived) const;
    /// Of any product of the attend.
    std::int64_t fewest_keys(const Action& attend, const Ranges& tiles, bool all, bool own_chunk) const;
    double softmax_ns(std::int64_t elements) const;

private:
    std::int64_t keys_seen(const Action& attend, const Ranges& tiles, const Range& queries) const;
    std::int64_t fewest_keys_anyhow(const Action& attend) const;

    const Problem& problem_;
    const NeedSets& needs_;
    const Schedule& schedule_;
    const MachineRates& rates_;
    const Wiring& wiring_;
    const FixedCosts& fixed_;
    Range heads_kv_;
};

}  // namespace tilemesh::attention
