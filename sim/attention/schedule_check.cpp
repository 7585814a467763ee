// SPDX-License-Identifier: Apache-2.0
// Runs a schedule's table symbolically: chunks are "here" or not, a register is the list of how often each chunk is
// counted in it, a message is what was sent. Every rule is checked where it would first be broken.
#include "sim/attention/schedule_check.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tilemesh::attention {

namespace {

using Kind = Action::Kind;

std::size_t index(int value) { return static_cast<std::size_t>(value); }

void check_rows(const Schedule& schedule, const NeedSets& needs) {
    if (schedule.ranks() != needs.ranks() || schedule.users() != needs.users())
        fail<InternalError>("schedule: table of {} ranks and {} users, expected {} and {}", schedule.ranks(),
                            schedule.users(), needs.ranks(), needs.users());
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        const Action* previous = nullptr;
        for (const Action& action : schedule.program(rank)) {
            const bool moves = action.kind == Kind::send || action.kind == Kind::receive;
            const bool chunk = action.item.kind == Item::Kind::chunk;
            if (moves && (action.peer < 0 || action.peer >= schedule.ranks() || action.peer == rank))
                fail<InternalError>("schedule: rank {} exchanges {} with rank {}, expected another of {} ranks", rank,
                                    name_of(action.item), action.peer, schedule.ranks());
            if (action.item.user < 0 || action.item.user >= schedule.users() || action.item.id < 0 ||
                (chunk && action.item.id >= schedule.ranks()))
                fail<InternalError>("schedule: rank {} names {}, which does not exist", rank, name_of(action.item));
            if (!moves && chunk != (action.kind == Kind::attend))
                fail<InternalError>("schedule: rank {} cannot {} {}", rank,
                                    action.kind == Kind::attend ? "attend" : "merge", name_of(action.item));
            if (previous && std::tuple(action.step, action.kind) < std::tuple(previous->step, previous->kind))
                fail<InternalError>(
                    "schedule: rank {} has {} of step {} after a row of step {}, out of program order", rank,
                    name_of(action.item), action.step, previous->step);
            previous = &action;
        }
    }
}

/// Sends and receives of every ordered pair of ranks are the same items in the same order.
void check_pairs(const Schedule& schedule) {
    std::map<std::pair<int, int>, std::pair<std::vector<Item>, std::vector<Item>>> pairs;  // (from, to) -> both ends
    for (int rank = 0; rank < schedule.ranks(); ++rank)
        for (const Action& action : schedule.program(rank)) {
            if (action.kind == Kind::send) pairs[{rank, action.peer}].first.push_back(action.item);
            if (action.kind == Kind::receive) pairs[{action.peer, rank}].second.push_back(action.item);
        }
    for (const auto& [pair, ends] : pairs) {
        const auto& [sent, received] = ends;
        for (std::size_t i = 0; i < std::max(sent.size(), received.size()); ++i) {
            if (i >= received.size())
                fail<InternalError>("schedule: rank {} sends {} to rank {}, which never receives it", pair.first,
                                    name_of(sent[i]), pair.second);
            if (i >= sent.size())
                fail<InternalError>("schedule: rank {} receives {} from rank {}, which never sends it", pair.second,
                                    name_of(received[i]), pair.first);
            if (!(sent[i] == received[i]))
                fail<InternalError>(
                    "schedule: message {} from rank {} to rank {} is {} at the sender, {} at the receiver", i,
                    pair.first, pair.second, name_of(sent[i]), name_of(received[i]));
        }
    }
}

/// How often each chunk is counted in a partial result; empty: the neutral state of a register nobody wrote.
using Contents = std::vector<int>;

class SymbolicRun {
public:
    SymbolicRun(const Schedule& schedule, const NeedSets& needs)
        : schedule_(schedule), needs_(needs), next_(index(schedule.ranks())) {}

    void run() {
        for (bool moved = true; moved;) {
            moved = false;
            for (int rank = 0; rank < schedule_.ranks(); ++rank)
                for (; !done(rank) && step(rank, current(rank)); ++next_[index(rank)]) moved = true;
        }
        for (int rank = 0; rank < schedule_.ranks(); ++rank)
            if (!done(rank)) report_cycle(rank);
        for (int rank = 0; rank < schedule_.ranks(); ++rank)
            for (int user = 0; user < schedule_.users(); ++user) check_result(rank, user);
    }

private:
    struct Chunk {
        bool received = false;
        bool used = false;
        bool attended = false;
    };
    using Place = std::tuple<int, int, int>;  // rank, user, and origin or register

    bool done(int rank) const { return next_[index(rank)] == schedule_.program(rank).size(); }
    const Action& current(int rank) const { return schedule_.program(rank)[next_[index(rank)]]; }

    /// Does one row if it can be done now; only a receive can be kept waiting.
    bool step(int rank, const Action& action) {
        const Place place{rank, action.item.user, action.item.id};
        const bool chunk = action.item.kind == Item::Kind::chunk;
        switch (action.kind) {
            case Kind::send:
                chunk ? use_chunk(rank, action, "sends") : require_register(rank, action.item, "sends");
                in_flight_[{rank, action.peer}].push_back(chunk ? Contents{} : registers_[place]);
                return true;
            case Kind::receive: {
                auto& messages = in_flight_[{action.peer, rank}];
                if (messages.empty()) return false;
                if (chunk)
                    receive_chunk(rank, action);
                else
                    receive_state(rank, action, messages.front());
                messages.pop_front();
                return true;
            }
            case Kind::attend:
                attend(rank, action);
                return true;
            case Kind::merge:
                merge(rank, action);
                return true;
        }
        return true;
    }

    void use_chunk(int rank, const Action& action, const char* verb) {
        Chunk& chunk = chunks_[{rank, action.item.user, action.item.id}];
        if (action.item.id != rank && !chunk.received)
            fail<InternalError>("schedule: rank {} {} {} in step {} before it has it", rank, verb,
                                name_of(action.item), action.step);
        chunk.used = true;
    }

    void receive_chunk(int rank, const Action& action) {
        Chunk& chunk = chunks_[{rank, action.item.user, action.item.id}];
        if (chunk.received || action.item.id == rank)
            fail<InternalError>("schedule: rank {} receives {}, which it has already", rank, name_of(action.item));
        chunk.received = true;
    }

    void receive_state(int rank, const Action& action, const Contents& contents) {
        const int user = action.item.user;
        if (!(needs_.queries_of(user, rank) == needs_.queries_of(user, action.peer)))
            fail<InternalError>("schedule: rank {} receives a state of other queries than its own from rank {}", rank,
                                action.peer);
        registers_[{rank, user, action.item.id}] = contents;
    }

    void attend(int rank, const Action& action) {
        const int user = action.item.user;
        const int origin = action.item.id;
        if (needs_.need(user, rank, origin) == Visible::none)
            fail<InternalError>("schedule: rank {} attends {}, which it does not need", rank, name_of(action.item));
        use_chunk(rank, action, "attends");
        if (std::exchange(chunks_[{rank, user, origin}].attended, true))
            fail<InternalError>("schedule: rank {} attends {} twice", rank, name_of(action.item));
        Contents& result = registers_[{rank, user, 0}];
        result.resize(index(schedule_.ranks()));
        ++result[index(origin)];
    }

    void merge(int rank, const Action& action) {
        const int user = action.item.user;
        require_register(rank, {Item::Kind::state, user, action.other}, "merges");
        const Contents from = registers_[{rank, user, action.other}];
        Contents& into = registers_[{rank, user, action.item.id}];
        into.resize(from.size());
        for (std::size_t origin = 0; origin < from.size(); ++origin) into[origin] += from[origin];
    }

    void require_register(int rank, const Item& item, const char* verb) const {
        const auto found = registers_.find({rank, item.user, item.id});
        if (found == registers_.end() || found->second.empty())
            fail<InternalError>("schedule: rank {} {} {}, which nothing was written to", rank, verb, name_of(item));
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

    void check_result(int rank, int user) {
        const Contents& result = registers_[{rank, user, 0}];
        for (int origin = 0; origin < schedule_.ranks(); ++origin) {
            const Item item{Item::Kind::chunk, user, origin};
            const int expected = needs_.need(user, rank, origin) == Visible::none ? 0 : 1;
            const int found = result.empty() ? 0 : result[index(origin)];
            if (found < expected)
                fail<InternalError>("schedule: rank {} ends without {}, which it needs", rank, name_of(item));
            if (found > expected)
                fail<InternalError>("schedule: rank {} ends with {} counted {} times, expected {}", rank,
                                    name_of(item), found, expected);
            const auto chunk = chunks_.find({rank, user, origin});
            if (chunk != chunks_.end() && chunk->second.received && !chunk->second.used)
                fail<InternalError>("schedule: rank {} receives {} but neither attends nor forwards it", rank,
                                    name_of(item));
        }
    }

    const Schedule& schedule_;
    const NeedSets& needs_;
    std::vector<std::size_t> next_;  // by rank: row that is to be done next
    std::map<std::pair<int, int>, std::deque<Contents>> in_flight_;
    std::map<Place, Chunk> chunks_;
    std::map<Place, Contents> registers_;
};

}  // namespace

void check_schedule(const Schedule& schedule, const NeedSets& needs) {
    check_rows(schedule, needs);
    check_pairs(schedule);
    SymbolicRun(schedule, needs).run();
}

}  // namespace tilemesh::attention
