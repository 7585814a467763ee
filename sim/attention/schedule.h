// SPDX-License-Identifier: Apache-2.0
// Schedules are data. A schedule is a table: for every rank the ordered list of what it sends, receives, attends and
// merges. It is made by one small function (kernels/) from the need-sets of mask and sharding and from where the
// ranks stand; both ends of every transfer are entered by one call, so they cannot disagree. Counts and link bytes
// are in traffic.h, the proof that a table is sound in schedule_check.h, its times in timeline.h.
#pragma once

#include "sim/attention/need_sets.h"
#include "sim/attention/state_format.h"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::attention {

/// What moves or is worked on.
struct Item {
    enum class Kind : std::uint8_t {
        chunk,     // K and V of rank `id`, or, number NeedSets::shared_id(), those that every rank has
        queries,   // the queries of rank `id` (backward: with everything the backward pass needs of them)
        state,     // a partial result (m, l, o) of the queries of rank `id` (backward: of dq)
        gradient,  // a partial (dk, dv) of the chunk of rank `id`; backward only
        sinks      // a partial gradient of the sinks, over the queries of some ranks; its sum is on rank `id`
    };
    Kind kind = Kind::chunk;
    std::int32_t user = 0;
    std::int32_t id = 0;
    std::int32_t copy = 0;  // state, gradient: number of the register that holds it; 0 is what attends add to (sinks:
                            // what the rank's own queries make)
    std::int32_t head_part = 0;  // which of Schedule::head_parts() parts of the kv heads
    auto operator<=>(const Item&) const = default;
    bool is_register() const { return kind != Kind::chunk && kind != Kind::queries; }
};

/// "chunk 3 of user 0", "register 1 of the queries of rank 3 of user 0": how messages about tables name things.
std::string name_of(const Item& item);

/// One row of a rank's program. Registers: one that nobody wrote is the neutral state (m = -inf, l = 0, o = 0), so a
/// merge into it is a copy and costs nothing (tiles are immutable); at the end register 0 of the rank's own queries
/// holds its result.
struct Action {
    enum class Kind : std::uint8_t {
        send,     // send item to rank `peer`
        receive,  // receive item from rank `peer`
        fence,    // what follows waits until all that was received so far is here
        attend,   // attend the queries of rank `owner` to `keys` of chunk `item`: adds to register 0 of those queries
                  // (backward: and to register 0 of the chunk's gradient)
        merge,    // merge register `other` of the same queries or chunk into register `item`
    };
    Kind kind = Kind::attend;
    Item item{};    // send, receive: as it is called at the receiver
    Ranges keys{};  // chunk: which of its keys, as local indices. gradient: of which keys of the chunk it is
    std::int32_t peer = -1;
    std::int32_t other = -1;  // merge: register merged from. send of a register: its number at the sender
    std::int32_t owner = -1;  // attend: whose queries
    std::int32_t step = 0;    // logical step; what arrives in step s may be forwarded in step s + 1
    /// send, receive: number of the multicast that it is part of; -1: none. The sends of a multicast, one to each
    /// receiver, stand one behind the other and leave as one message, which routers copy.
    std::int32_t multicast = -1;
    bool operator==(const Action&) const = default;
    bool moves() const { return kind == Kind::send || kind == Kind::receive; }
};

/// Ranks that a transfer reaches one from another: node 0 is the root, a node's parent comes before it.
struct Tree {
    std::vector<int> ranks;
    std::vector<int> parents;         // node numbers; of the root -1
    bool copies = false;              // all nodes are the root's own, and routers copy what goes to several
    std::vector<int> depths() const;  // by node: hops from the root
};
/// A tree without branches.
Tree path(const std::vector<int>& ranks);
/// The same ranks, reached from the root at once by copies that routers make.
Tree copied(Tree tree);
/// Both ways from number `at` of a row of ranks: to its ends, or half way round each way when it wraps.
Tree arms(const std::vector<int>& row, int at, bool wraps = false);
/// The path from, from + stride, from + 2 stride, ... of `hops` hops, modulo the number of ranks.
Tree walk(int ranks, int from, int stride, int hops);

/// Part `index` of `parts` equal parts of every chunk, by local index.
struct Share {
    int index = 0;
    int parts = 1;
};

/// The table. A program is ordered by step; within a step sends come first, then receives, fences, attends, merges;
/// within those, in the order of entry. Sends first because what leaves in step s was there before it, and because
/// the neighbour waits for it; so with buffered sends no rank's receive can hold up another's send of the same step.
class Schedule {
public:
    enum class Pass : std::uint8_t { forward, backward };
    Schedule(int ranks, int users, int head_parts = 1, Pass pass = Pass::forward)
        : programs_(static_cast<std::size_t>(ranks)), users_(users), head_parts_(head_parts), pass_(pass) {}
    /// A table from elsewhere, taken as it is: only check_schedule() says whether it is sound.
    Schedule(std::vector<std::vector<Action>> programs, int users) : programs_(std::move(programs)), users_(users) {}

    int ranks() const { return static_cast<int>(programs_.size()); }
    int users() const { return users_; }
    int head_parts() const { return head_parts_; }
    Pass pass() const { return pass_; }
    /// With replicated queries: every rank ends with the whole result (else rank r ends with head part r alone).
    bool results_everywhere() const { return results_everywhere_; }
    void scatter_results() { results_everywhere_ = false; }
    /// Of partial results (forward); it decides the bytes of their transfers.
    const StateFormat& state_format() const { return state_format_; }
    void set_state_format(const StateFormat& format) { state_format_ = format; }
    const std::vector<Action>& program(int rank) const { return programs()[static_cast<std::size_t>(rank)]; }
    const std::vector<std::vector<Action>>& programs() const {
        if (!in_order_) put_in_order();
        return programs_;
    }

    /// Does the rank send or receive such items?
    bool moves(Item::Kind kind, int rank) const;
    /// Do keys and values move, and nothing else?
    bool moves_keys_alone() const;
    /// Do partial results move or merge, and does nothing else but attend?
    bool moves_results_alone() const;

    /// Rank attends the queries of `owner` to `keys` of a chunk; nothing is entered when there are no keys.
    void attend(int step, int rank, int owner, const Item& chunk, Ranges keys);
    /// Enters the send at `from` and the receive at `to`. A register's number at the sender is `from_copy`.
    void transfer(int step, int from, int to, const Item& item, Ranges keys = {}, int from_copy = 0);
    /// The same to several ranks, in one message.
    void multicast(int step, int from, const std::vector<int>& to, const Item& item, const Ranges& keys);
    /// Of a send or receive of a multicast: who receives it.
    const std::vector<int>& receivers(const Action& action) const {
        return multicasts_[static_cast<std::size_t>(action.multicast)];
    }
    /// `keys`: of a gradient, those that the register merged from holds.
    void merge(int step, int rank, const Item& into, int from_copy, Ranges keys = {});
    void fence(int step, int rank);

    /// Every rank attends its own chunk in step 0, as far as the mask lets it see any of it, and what it attends of
    /// the keys that every rank has.
    void attend_own(const NeedSets& needs, int user);
    /// Those keys alone: the rank's own queries, in this step.
    void attend_shared(int step, const NeedSets& needs, int user, int rank);
    /// Sends a chunk or queries from the root along the tree. `needed`: by node, the keys it needs itself (queries:
    /// any range when it needs them); on every hop goes what is needed from there on, and nothing where nothing is. A
    /// hop to depth d has step first_step + d - 1. Where routers copy, keys go to those who need them and to nobody
    /// else: those that the same ranks need in one message.
    void spread(const Item& item, const Tree& tree, std::vector<Ranges> needed, int first_step = 1);
    /// Sends a chunk from the root (its origin) along the tree, to every rank from which on somebody needs some of
    /// it, and of the chunk's share no more than is needed from there on. Each rank that needs some of it attends it,
    /// the root does not. A hop to depth d has step d; attends follow their arrival at once, or in step `attend_step`
    /// when that is given.
    void propagate(const NeedSets& needs, int user, const Tree& tree, Share share = {}, int attend_step = -1);
    /// The reverse: register 0 of `item` of every rank of the tree that `has` one comes to the root, merged on the
    /// way hop by hop; ends in register 0 there. Steps begin at first_step with the deepest.
    void reduce(const Tree& tree, Item item, const std::vector<bool>& has, int first_step);
    /// The same for a gradient: by node the keys it has added to; every message carries those of all it sums.
    void reduce(const Tree& tree, Item gradient, std::vector<Ranges> keys, int first_step);

private:
    void enter(int rank, Action action);
    void spread_copies(const Item& item, const Tree& tree, const std::vector<Ranges>& needed, int step);
    void put_in_order() const;

    // Rows are put in order when somebody reads them: moving those behind each new row up would take the square of
    // their number.
    mutable std::vector<std::vector<Action>> programs_;
    mutable bool in_order_ = true;
    int users_ = 1;
    int head_parts_ = 1;
    Pass pass_ = Pass::forward;
    bool results_everywhere_ = true;
    StateFormat state_format_;
    std::vector<std::vector<int>> multicasts_;  // by number: receivers
};

}  // namespace tilemesh::attention
