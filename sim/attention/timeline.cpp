// SPDX-License-Identifier: Apache-2.0
// A small event simulation of a table. Rows become operations (a send and its receive are one); who must wait for
// whom is read off the table first, then time runs.
#include "sim/attention/timeline.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <tuple>
#include <utility>

namespace tilemesh::attention {

namespace {

using Kind = Action::Kind;
using OperationId = std::size_t;

struct Operation {
    int rank = 0;  // that computes it, or sends
    std::size_t row = 0;
    bool transfer = false;
    double occupied = 0;  // of the edge or the rank's compute
    double latency = 0;   // from there until it has arrived, or is in its register
    double ready = 0, start = 0, released = 0, end = 0;
    bool joins = false;  // the visit under way
    int waits_for = 0;
    std::vector<OperationId> on_release{};  // may go on when the edge is free again
    std::vector<OperationId> on_end{};      // may go on when this has arrived or is computed
};

/// Compute of one rank that is ready to start, by (ready, row), and what it works on.
struct Compute {
    using Place = std::pair<double, std::size_t>;
    std::set<Place> waiting;
    std::map<Item, std::set<Place>> attends;  // those of them, by queries
    bool busy = false;
    std::optional<Item> visited;  // queries of the last attend, if nothing came after it
    double visit_begin = 0;
};

Item queries_of(const Action& attend) {
    return {Item::Kind::queries, attend.item.user, attend.owner, 0, attend.item.head_part};
}

/// All that was done with one register of a rank so far.
struct Register {
    std::vector<OperationId> writes;
    std::vector<OperationId> reads;  // by merges and sends
};

class Timeline {
public:
    Timeline(const Schedule& schedule, const Durations& durations, ComputeOrder order)
        : schedule_(schedule), durations_(durations), order_(order) {
        make_operations();
        for (int rank = 0; rank < schedule.ranks(); ++rank) find_dependencies(rank);
    }

    std::vector<std::vector<TimedAction>> run() {
        computes_.resize(static_cast<std::size_t>(schedule_.ranks()));
        for (OperationId id = 0; id < operations_.size(); ++id)
            if (operations_[id].waits_for == 0) make_ready(id, 0);
        start_compute(0);
        while (!events_.empty()) {
            const double now = std::get<0>(events_.top());
            while (!events_.empty() && std::get<0>(events_.top()) == now) {
                const auto [time, id, ended] = events_.top();
                events_.pop();
                happen(id, ended, time);
            }
            start_compute(now);  // only now: what became ready at one instant is started in table order
        }
        return result();
    }

private:
    using Event = std::tuple<double, OperationId, bool>;  // when, which, ended (or only released its edge or rank)

    const Action& action_of(const Operation& operation) const {
        return schedule_.program(operation.rank)[operation.row];
    }
    OperationId at(int rank, std::size_t row) const { return ids_[static_cast<std::size_t>(rank)][row]; }

    using Sent = std::map<std::pair<int, int>, std::deque<OperationId>>;  // by edge

    /// The transfer goes to the receiver of that row, perhaps beside others: it is over when all have it.
    void reach(OperationId id, const Action& send, Sent& sent) {
        Operation& operation = operations_[id];
        const TransferTime time = durations_.transfer(operation.rank, send.peer, send);
        operation.occupied = std::max(operation.occupied, time.occupied);
        operation.latency = std::max(operation.latency, time.latency);
        std::deque<OperationId>& edge = sent[{operation.rank, send.peer}];
        if (!edge.empty()) {
            operations_[edge.back()].on_release.push_back(id);
            ++operation.waits_for;
        }
        edge.push_back(id);
    }

    /// One operation per row; a receive shares the operation of its send, and so do the sends of a multicast.
    void make_operations() {
        Sent sent;
        for (int rank = 0; rank < schedule_.ranks(); ++rank) {
            auto& ids = ids_.emplace_back();
            for (std::size_t row = 0; row < schedule_.program(rank).size(); ++row) {
                const Action& action = schedule_.program(rank)[row];
                if (action.kind == Kind::send && action.multicast >= 0 &&
                    schedule_.receivers(action).front() != action.peer) {  // of the message before
                    ids.push_back(ids.back());
                    reach(ids.back(), action, sent);
                    continue;
                }
                ids.push_back(operations_.size());
                if (action.kind == Kind::receive) continue;  // filled in below
                Operation& operation = operations_.emplace_back(
                    Operation{.rank = rank, .row = row, .transfer = action.kind == Kind::send});
                if (operation.transfer) {
                    reach(ids.back(), action, sent);
                } else if (action.kind == Kind::attend) {
                    operation.occupied = durations_.attend(rank, action);
                    operation.latency = durations_.settling(rank, action);
                }
            }
        }
        for (int rank = 0; rank < schedule_.ranks(); ++rank)
            for (std::size_t row = 0; row < schedule_.program(rank).size(); ++row) {
                const Action& action = schedule_.program(rank)[row];
                if (action.kind != Kind::receive) continue;
                auto& edge = sent[{action.peer, rank}];
                if (edge.empty())
                    fail<InternalError>("timeline: rank {} receives {} that rank {} never sends", rank,
                                        name_of(action.item), action.peer);
                ids_[static_cast<std::size_t>(rank)][row] = edge.front();
                edge.pop_front();
            }
    }

    void after(OperationId first, OperationId then) {
        operations_[first].on_end.push_back(then);
        ++operations_[then].waits_for;
    }
    void after_all(const std::vector<OperationId>& firsts, OperationId then) {
        for (const OperationId first : firsts) after(first, then);
    }

    /// Walks one program and notes which operation brought each chunk and queries and who wrote and read each
    /// register.
    void find_dependencies(int rank) {
        std::map<Item, std::vector<std::pair<Ranges, OperationId>>> arrived;
        std::map<Item, Register> registers;
        std::vector<OperationId> receives;
        std::optional<OperationId> fence;
        for (std::size_t row = 0; row < schedule_.program(rank).size(); ++row) {
            const Action& action = schedule_.program(rank)[row];
            const OperationId id = at(rank, row);
            const Item& item = action.item;
            const auto from_item = [&](const Item& source, const Ranges& keys) {
                for (const auto& [ranges, bringer] : arrived[source])
                    if (source.kind != Item::Kind::chunk || !intersection(ranges, keys).empty()) after(bringer, id);
            };
            const auto into_register = [&](const Item& target) {
                Register& into = registers[target];
                after_all(into.reads, id);
                into.writes.push_back(id);
            };
            const auto from_register = [&] {
                Item source = item;
                source.copy = action.other;
                after_all(registers[source].writes, id);
                return source;
            };
            if (fence && !action.moves()) after(*fence, id);
            switch (action.kind) {
                case Kind::receive:
                    receives.push_back(id);
                    if (item.is_register())
                        into_register(item);
                    else
                        arrived[item].emplace_back(action.keys, id);
                    break;
                case Kind::send:
                    // The tile that leaves is the register's content now: what is written later must come later.
                    item.is_register() ? registers[from_register()].reads.push_back(id)
                                       : from_item(item, action.keys);
                    break;
                case Kind::fence:
                    after_all(receives, id);
                    fence = id;
                    break;
                case Kind::attend:
                    from_item(item, action.keys);
                    from_item(queries_of(action), {});
                    into_register({Item::Kind::state, item.user, action.owner, 0, item.head_part});
                    if (schedule_.pass() == Schedule::Pass::backward)
                        into_register({Item::Kind::gradient, item.user, item.id, 0, item.head_part});
                    break;
                case Kind::merge:
                    registers[from_register()].reads.push_back(id);
                    if (!registers[item].writes.empty()) operations_[id].occupied = durations_.merge(rank, action);
                    into_register(item);
                    break;
            }
        }
    }

    void make_ready(OperationId id, double now) {
        Operation& operation = operations_[id];
        operation.ready = now;
        if (operation.transfer) return start(id, now);
        Compute& compute = computes_[static_cast<std::size_t>(operation.rank)];
        compute.waiting.insert({now, operation.row});
        changed_.push_back(operation.rank);
        if (const Action& action = action_of(operation); action.kind == Kind::attend)
            compute.attends[queries_of(action)].insert({now, operation.row});
    }

    void start(OperationId id, double now) {
        Operation& operation = operations_[id];
        operation.start = now;
        operation.released = now + operation.occupied;
        operation.end = operation.released + operation.latency;
        events_.push({operation.released, id, false});
        events_.push({operation.end, id, true});
        ++started_;
    }

    void happen(OperationId id, bool ended, double now) {
        if (!ended && !operations_[id].transfer) {
            computes_[static_cast<std::size_t>(operations_[id].rank)].busy = false;
            changed_.push_back(operations_[id].rank);
        }
        for (const OperationId follower : ended ? operations_[id].on_end : operations_[id].on_release)
            if (--operations_[follower].waits_for == 0) make_ready(follower, now);
    }

    /// On the ranks that have got something to do or become free since the last time.
    void start_compute(double now) {
        for (const int rank : changed_) {
            Compute& compute = computes_[static_cast<std::size_t>(rank)];
            if (compute.busy || compute.waiting.empty()) continue;
            compute.busy = true;
            Compute::Place place = *compute.waiting.begin();
            bool joins = false;
            if (compute.visited && order_ == ComputeOrder::visits) {
                const std::set<Compute::Place>& same = compute.attends[*compute.visited];
                joins = !same.empty() && same.begin()->first <= compute.visit_begin;
                if (joins) place = *same.begin();
            }
            compute.waiting.erase(place);
            const OperationId id = at(rank, place.second);
            const Action& action = action_of(operations_[id]);
            operations_[id].joins = joins;
            if (action.kind == Kind::attend) {
                if (!joins) compute.visit_begin = now;
                compute.visited = queries_of(action);
                compute.attends[*compute.visited].erase(place);
            } else {
                compute.visited.reset();
            }
            start(id, now);
        }
        changed_.clear();
    }

    std::vector<std::vector<TimedAction>> result() const {
        if (started_ != operations_.size())
            fail<InternalError>("timeline: only {} of {} rows can happen; check_schedule() says why", started_,
                                operations_.size());
        std::vector<std::vector<TimedAction>> timed(ids_.size());
        for (std::size_t rank = 0; rank < ids_.size(); ++rank)
            for (std::size_t row = 0; row < ids_[rank].size(); ++row) {
                const Operation& operation = operations_[ids_[rank][row]];
                const int of_rank = static_cast<int>(rank);
                TimedAction& action = timed[rank].emplace_back();
                action.action = schedule_.program(of_rank)[row];
                action.start = operation.start;
                action.end = operation.transfer ? operation.end : operation.released;
                action.ready = operation.ready;
                action.settled = operation.end;
                action.joins = operation.joins;
                if (action.action.kind == Kind::attend)
                    action.weighed = action.end + durations_.weighing(of_rank, action.action);
            }
        return timed;
    }

    const Schedule& schedule_;
    const Durations& durations_;
    const ComputeOrder order_;
    std::vector<Operation> operations_;
    std::vector<std::vector<OperationId>> ids_;  // by rank and row
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::vector<Compute> computes_;  // by rank
    std::vector<int> changed_;       // ranks whose compute may start
    std::size_t started_ = 0;
};

}  // namespace

std::vector<std::vector<TimedAction>> predict(const Schedule& schedule, const Durations& durations,
                                              ComputeOrder order) {
    return Timeline(schedule, durations, order).run();
}

double makespan(const std::vector<std::vector<TimedAction>>& timed) {
    double last = 0;
    for (const auto& program : timed)
        for (const TimedAction& action : program) last = std::max(last, action.end);
    return last;
}

}  // namespace tilemesh::attention
