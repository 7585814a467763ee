// SPDX-License-Identifier: Apache-2.0
// Which part of a schedule a command belongs to, for traces and critical paths: "step 3 / user 0 / chunk 2 / heads
// 0-3 / keys 512-1023".
#pragma once

#include "sim/attention/schedule.h"
#include "sim/tile/context.h"

#include <array>
#include <span>

namespace tilemesh::kernels {

class Where {
public:
    static Where step(const attention::Action& action) {
        Where where;
        where.add({"step", action.step}).add({"user", action.item.user});
        return where;
    }
    /// A message or merge of that row.
    static Where row(const attention::Action& action);
    /// A tile of a chunk's keys, for some heads.
    Where tile(const attention::Item& chunk, const attention::Range& heads, const attention::Range& keys) const {
        Where where = *this;
        where.add({"chunk", chunk.id})
            .add({"heads", heads.begin, heads.end - 1})
            .add({"keys", keys.begin, keys.end - 1});
        return where;
    }
    operator std::span<const Phase>() const { return {phases_.data(), levels_}; }

private:
    Where& add(const Phase& phase) {
        phases_[levels_++] = phase;
        return *this;
    }
    std::array<Phase, 5> phases_{};
    std::size_t levels_ = 0;
};

}  // namespace tilemesh::kernels
