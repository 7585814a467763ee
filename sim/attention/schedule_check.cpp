// SPDX-License-Identifier: Apache-2.0
// Runs a schedule's table symbolically: keys and queries are "here" or not, a register is the list of blocks counted
// in it, a message is what was sent. Every rule is checked where it would first be broken; rules about single rows
// and about pairs of ranks are in schedule_rows.cpp.
#include "sim/attention/schedule_check.h"

#include "sim/attention/item_map.h"
#include "sim/attention/schedule_rows.h"
#include "sim/base/error.h"
#include "sim/base/ring_queue.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::attention {
namespace {

using Kind = Action::Kind;

std::size_t index(int value) { return static_cast<std::size_t>(value); }

/// Keys of a chunk (in a state), or of the chunk for some queries (in a gradient).
struct CountedKeys {
    int other;  // number of the chunk, or of the queries
    Range keys;
};
/// What is counted in a register, in any order. Empty: nobody wrote.
using Contents = std::vector<CountedKeys>;

void add(Contents& into, int other, const Ranges& keys) {
    for (const Range& range : keys) into.push_back({other, range});
}

class SymbolicRun {
public:
    SymbolicRun(const Schedule& schedule, const NeedSets& needs, const TableEdges& edges)
        : schedule_(schedule),
          needs_(needs),
          edges_(edges),
          next_(index(schedule.ranks())),
          ranks_(index(schedule.ranks())),
          in_flight_(edges.edges().size()) {}

    void run() {
        for (int rank = 0; sums_sinks() && rank < schedule_.ranks(); ++rank)
            for (int user = 0; user < schedule_.users(); ++user)
                add(ranks_[index(rank)].registers[sinks_of(user)], rank, whole);
        for (bool moved = true; moved;) {
            moved = false;
            for (int rank = 0; rank < schedule_.ranks(); ++rank)
                for (; !done(rank) && step(rank, current(rank)); ++next_[index(rank)]) moved = true;
        }
        for (int rank = 0; rank < schedule_.ranks(); ++rank)
            if (!done(rank)) report_cycle(rank);
        for (int rank = 0; rank < schedule_.ranks(); ++rank) {
            check_all_used(rank);
            for (int user = 0; user < schedule_.users(); ++user)
                for (int part = 0; part < schedule_.head_parts(); ++part) check_results(rank, user, part);
        }
        for (int user = 0; sums_sinks() && user < schedule_.users(); ++user)
            check_register(0, sinks_of(user),
                           [&](int other) { return other == needs_.shared_id() ? Ranges{} : whole; });
    }

private:
    struct Held {
        Ranges keys;  // of a chunk
        bool used = false;
    };
    struct Rank {
        ItemMap<Held> received;  // chunks and queries
        ItemMap<Contents> registers;
    };

    bool sums_sinks() const { return needs_.has_sinks() && schedule_.pass() == Schedule::Pass::backward; }
    static Item sinks_of(int user) { return {.kind = Item::Kind::sinks, .user = user}; }

    bool done(int rank) const { return next_[index(rank)] == schedule_.program(rank).size(); }
    const Action& current(int rank) const { return schedule_.program(rank)[next_[index(rank)]]; }
    int owner_at(int rank) const { return needs_.owner_of(rank); }

    /// Does one row if it can be done now; only a receive can be kept waiting.
    bool step(int rank, const Action& action) {
        Rank& at = ranks_[index(rank)];
        switch (action.kind) {
            case Kind::send: {
                if (action.item.is_register()) {
                    Item from = action.item;
                    from.copy = action.other;
                    const Contents& message = written(rank, from, "sends");
                    check_keys(rank, action, message, "sends");
                    in_flight_[edges_.edge_of(rank, next_[index(rank)])].push(message);
                } else {
                    use(rank, action.item, action.keys, "sends");
                }
                return true;
            }
            case Kind::receive: {
                const std::size_t row = next_[index(rank)];
                if (next_[index(action.peer)] <= edges_.other_end(rank, row)) return false;  // it was not sent yet
                if (action.item.is_register()) {
                    at.registers[action.item] = in_flight_[edges_.edge_of(rank, row)].pop();
                } else {
                    receive(rank, action);
                }
                return true;
            }
            case Kind::fence:
                return true;
            case Kind::attend:
                attend(rank, action);
                return true;
            case Kind::merge: {
                Item from = action.item;
                from.copy = action.other;
                const Contents contents = written(rank, from, "merges");
                check_keys(rank, action, contents, "merges");
                Contents& into = at.registers[action.item];
                into.insert(into.end(), contents.begin(), contents.end());
                return true;
            }
        }
        return true;
    }

    bool own(int rank, const Item& item) const {
        return item.kind == Item::Kind::chunk ? item.id == rank || item.id == needs_.shared_id()
                                              : item.id == owner_at(rank);
    }

    void use(int rank, const Item& item, const Ranges& keys, const char* verb) {
        if (own(rank, item)) return;
        auto& received = ranks_[index(rank)].received;
        Held* const found = received.find(item);
        if (!found || !covers(found->keys, keys))
            fail<InternalError>("schedule: rank {} {} {} before it has it", rank, verb, name_of(item));
        found->used = true;
    }

    void check_all_used(int rank) const {
        const Item* first = nullptr;
        for (const auto& [item, held] : ranks_[index(rank)].received)
            if (!held.used && (!first || item < *first)) first = &item;
        if (first)
            fail<InternalError>("schedule: rank {} receives {} but neither attends nor forwards it", rank,
                                name_of(*first));
    }

    void receive(int rank, const Action& action) {
        Held& held = ranks_[index(rank)].received[action.item];
        const bool queries = action.item.kind == Item::Kind::queries;
        const bool again = queries ? !held.keys.empty() : !intersection(held.keys, action.keys).empty();
        if (own(rank, action.item) || again)
            fail<InternalError>("schedule: rank {} receives {}, which it has already", rank, name_of(action.item));
        // Queries always travel whole; any range stands for all of them.
        const Ranges& what = queries ? whole : action.keys;
        held.keys.append(what);
        held.keys = united(std::move(held.keys));
    }

    void attend(int rank, const Action& action) {
        const auto [kind, user, origin, copy, part] = action.item;
        use(rank, action.item, action.keys, "attends");
        const Item queries{Item::Kind::queries, user, action.owner, 0, part};
        use(rank, queries, {}, "attends with");
        if (!covers(needs_.needed(user, action.owner, origin), action.keys))
            fail<InternalError>("schedule: rank {} attends keys of {} that queries {} do not need", rank,
                                name_of(action.item), action.owner);
        Rank& at = ranks_[index(rank)];
        add(at.registers[{Item::Kind::state, user, action.owner, 0, part}], origin, action.keys);
        if (schedule_.pass() == Schedule::Pass::backward)
            add(at.registers[{Item::Kind::gradient, user, origin, 0, part}], action.owner, action.keys);
    }

    /// A gradient is moved and merged with exactly the keys it holds.
    static void check_keys(int rank, const Action& action, const Contents& contents, const char* verb) {
        if (action.item.kind != Item::Kind::gradient) return;
        Ranges held;
        for (const CountedKeys& counted : contents) held.push_back(counted.keys);
        if (united(std::move(held)) != action.keys)
            fail<InternalError>("schedule: rank {} {} {} with other keys than it holds", rank, verb,
                                name_of(action.item));
    }

    const Contents& written(int rank, const Item& item, const char* verb) const {
        const Contents* const found = ranks_[index(rank)].registers.find(item);
        if (!found || found->empty())
            fail<InternalError>("schedule: rank {} {} {}, which nothing was written to", rank, verb, name_of(item));
        return *found;
    }

    /// Follows who waits for whom from a rank that cannot go on until a rank comes up again.
    [[noreturn]] void report_cycle(int rank) const {
        std::string chain;
        std::vector<bool> seen(index(schedule_.ranks()));
        while (!done(rank) && !seen[index(rank)]) {
            seen[index(rank)] = true;
            chain += fmt::format("{}rank {} waits for {} from rank {}", chain.empty() ? "" : ", ", rank,
                                 name_of(current(rank).item), current(rank).peer);
            rank = current(rank).peer;
        }
        fail<InternalError>("schedule: deadlock: {}", chain);
    }

    void check_results(int rank, int user, int part) {
        const int owner = owner_at(rank);
        if (!needs_.queries_replicated() || schedule_.results_everywhere() || rank == part)
            check_register(rank, {Item::Kind::state, user, owner, 0, part},
                           [&](int origin) { return needs_.needed(user, owner, origin); });
        if (schedule_.pass() == Schedule::Pass::backward)
            for (const int chunk : {rank, needs_.shared_id()})
                if (needs_.home_of(chunk) == rank)
                    check_register(rank, {Item::Kind::gradient, user, chunk, 0, part}, [&](int other) {
                        return other == needs_.shared_id() ? Ranges{} : needs_.needed(user, other, chunk);
                    });
    }

    template <class Expected>
    void check_register(int rank, const Item& item, const Expected& expected) {
        Contents& contents = ranks_[index(rank)].registers[item];
        std::sort(contents.begin(), contents.end(),
                  [](const CountedKeys& a, const CountedKeys& b) { return a.other < b.other; });
        const char* what = item.kind == Item::Kind::state ? "chunk" : "queries";
        auto counted = contents.begin();
        for (int other = 0; other <= needs_.shared_id(); ++other) {
            const Ranges wanted = expected(other);
            Ranges found;
            for (; counted != contents.end() && counted->other == other; ++counted) found.push_back(counted->keys);
            if (!covers(united(found), wanted))
                fail<InternalError>("schedule: rank {} ends without {} {} in {}, which it needs", rank, what, other,
                                    name_of(item));
            if (total(found) > total(wanted))
                fail<InternalError>("schedule: rank {} ends with keys of {} {} counted more than once in {}", rank,
                                    what, other, name_of(item));
        }
    }

    inline static const Ranges whole{{0, 1}};
    const Schedule& schedule_;
    const NeedSets& needs_;
    const TableEdges& edges_;
    std::vector<std::size_t> next_;  // by rank: row that is to be done next
    std::vector<Rank> ranks_;
    std::vector<RingQueue<Contents>> in_flight_;  // registers that were sent, by edge
};

}  // namespace

void check_schedule(const Schedule& schedule, const NeedSets& needs) {
    check_rows(schedule, needs);
    const TableEdges edges(schedule);
    check_pairs(schedule, edges);
    SymbolicRun(schedule, needs, edges).run();
}

}  // namespace tilemesh::attention
