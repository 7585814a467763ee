// SPDX-License-Identifier: Apache-2.0
// Schedules are data. A schedule is a table: for every rank the ordered list of what it sends, receives, attends and
// merges. It is made by one small function (kernels/) from the need-sets of mask and sharding; both ends of every
// transfer are entered by one call, so they cannot disagree. Counts and link bytes are in traffic.h, the proof that a
// table is sound in schedule_check.h, its times in timeline.h.
#pragma once

#include "sim/attention/need_sets.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::attention {

/// What moves or is worked on: the K/V chunk that started at rank `origin`, or a partial-result register (m, l, o).
struct Item {
    enum class Kind : std::uint8_t { chunk, state };
    Kind kind = Kind::chunk;
    std::int32_t user = 0;
    std::int32_t id = 0;  // chunk: origin rank. state: register number; register 0 is what this rank attends into
    bool operator==(const Item&) const = default;
};

/// "chunk 3 of user 0", "register 1 of user 0": how messages about tables name things.
std::string name_of(const Item& item);

/// One row of a rank's program. Registers: a register nobody wrote is the neutral state (m = -inf, l = 0, o = 0), so
/// a merge into it is a copy and costs nothing (tiles are immutable); at the end register 0 holds the rank's result.
/// A state travels under one register number: the receiver finds it in the register the sender sent.
struct Action {
    enum class Kind : std::uint8_t {
        send,     // send item to rank `peer`
        receive,  // receive item from rank `peer`
        attend,   // attend this rank's queries to chunk `item`, updating register 0 of the user
        merge,    // merge register `other` into register `item` (both (m, l, o), unnormalised)
    };
    Kind kind = Kind::attend;
    Item item;
    std::int32_t peer = -1;
    std::int32_t other = -1;
    std::int32_t step = 0;  // logical step; what arrives in step s may be forwarded in step s + 1
    bool operator==(const Action&) const = default;
};

/// The table. A program is ordered by step; within a step sends come first, then receives, attends, merges; within
/// those, in the order of entry. Sends first because what leaves in step s was there before it, and because the
/// neighbour waits for it; so with buffered sends no rank's receive can hold up another's send of the same step.
class Schedule {
public:
    Schedule(int ranks, int users) : programs_(static_cast<std::size_t>(ranks)), users_(users) {}
    /// A table from elsewhere, taken as it is: only check_schedule() says whether it is sound.
    Schedule(std::vector<std::vector<Action>> programs, int users) : programs_(std::move(programs)), users_(users) {}

    int ranks() const { return static_cast<int>(programs_.size()); }
    int users() const { return users_; }
    const std::vector<Action>& program(int rank) const { return programs_[static_cast<std::size_t>(rank)]; }
    const std::vector<std::vector<Action>>& programs() const { return programs_; }

    void attend(int step, int rank, int user, int origin);
    /// Enters the send at `from` and the receive at `to`.
    void transfer(int step, int from, int to, Item item);
    void merge(int step, int rank, int user, int into, int from);
    /// Every rank attends its own chunk in step 0, where the mask lets it see any of it.
    void attend_own(const NeedSets& needs, int user);
    /// Sends the chunk of path[0] along the path, rank by rank, as far as the last rank on it that needs it; each
    /// rank that needs it attends it (path[0] itself does not). The hop to path[s] has step first_step + s - 1.
    void propagate(const NeedSets& needs, int user, const std::vector<int>& path, int first_step = 1);

private:
    void enter(int rank, const Action& action);

    std::vector<std::vector<Action>> programs_;
    int users_ = 1;
};

/// The path from, from + stride, from + 2 stride, ... of `hops` hops, modulo the number of ranks.
std::vector<int> walk(int ranks, int from, int stride, int hops);

}  // namespace tilemesh::attention
