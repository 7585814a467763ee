// SPDX-License-Identifier: Apache-2.0
// The tokens of one rank: arithmetic runs of token numbers, one after the other. A rank's tokens have local indices
// 0, 1, 2, ... through all runs; tables, tiles and messages speak of local indices, masks of positions. How tokens
// are dealt to ranks is in sharding.h.
#pragma once

#include "sim/attention/mask_blocks.h"
#include "sim/attention/ranges.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace tilemesh::attention {

class Tokens {
public:
    Tokens() = default;
    explicit Tokens(std::vector<Run> runs);

    std::int64_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    /// Token number of a local index.
    std::int64_t at(std::int64_t local) const;
    /// Local index of a token; nothing when another rank owns it.
    std::optional<std::int64_t> local_of(std::int64_t token) const;
    const std::vector<Run>& runs() const { return runs_; }
    /// Local indices of run i.
    Range local_run(std::size_t i) const { return {begins_[i], begins_[i] + runs_[i].count}; }
    /// Tokens of a range of local indices that lies in one run.
    Run run(Range local) const;
    /// `locals` cut where runs end, and into pieces that begin at multiples of `step` counted from their run's first.
    Ranges cut(Range locals, std::int64_t step) const;

private:
    std::size_t run_of(std::int64_t local) const;
    std::vector<Run> runs_;
    std::vector<std::int64_t> begins_;  // local index of each run's first token
    std::int64_t size_ = 0;
};

}  // namespace tilemesh::attention
