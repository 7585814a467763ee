// SPDX-License-Identifier: Apache-2.0
// A small event simulation of a table: who must wait for whom is known (table_operations.h), time runs.
#include "sim/attention/timeline.h"

#include "sim/attention/item_map.h"
#include "sim/attention/table_operations.h"
#include "sim/base/error.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <queue>
#include <utility>

namespace tilemesh::attention {

namespace {

using Kind = Action::Kind;
/// Compute of one rank that is ready to start, by (ready, row), and what it works on.
struct Compute {
    using Place = std::pair<double, std::uint32_t>;
    /// First to last; what has been started meanwhile is still there.
    using Waiting = std::priority_queue<Place, std::vector<Place>, std::greater<>>;
    Waiting waiting;
    ItemMap<Waiting> attends;  // those of them, by queries, where visits are made
    bool busy = false;
    std::optional<Item> visited;  // queries of the last attend, if nothing came after it
    double visit_begin = 0;
};

Item queries_of(const Action& attend) {
    return {Item::Kind::queries, attend.item.user, attend.owner, 0, attend.item.head_part};
}

class Timeline {
public:
    Timeline(const Schedule& schedule, const Durations& durations, ComputeOrder order)
        : schedule_(schedule), durations_(durations), order_(order), operations_(schedule, durations) {}

    std::vector<std::vector<TimedAction>> run() {
        computes_.resize(static_cast<std::size_t>(schedule_.ranks()));
        for (OperationId id = 0; id < operations_.size(); ++id)
            if (operations_[id].waits_for == 0) make_ready(id, 0);
        start_compute(0);
        while (!events_.empty()) {
            const double now = events_.top().when;
            while (!events_.empty() && events_.top().when == now) {
                const Event event = events_.top();
                events_.pop();
                happen(event.id_and_end / 2, event.id_and_end % 2 != 0, now);
            }
            start_compute(now);  // only now: what became ready at one instant is started in table order
        }
        return result();
    }

private:
    struct Event {
        double when;
        std::uint64_t id_and_end;  // twice the operation, and 1 more for its end: else its edge or rank is released
        bool operator>(const Event& other) const {
            return when != other.when ? when > other.when : id_and_end > other.id_and_end;
        }
    };

    void make_ready(OperationId id, double now) {
        Operation& operation = operations_[id];
        operation.ready = now;
        if (operation.transfer) return start(id, now);
        Compute& compute = computes_[static_cast<std::size_t>(operation.rank)];
        compute.waiting.push({now, operation.row});
        changed_.push_back(operation.rank);
        if (order_ != ComputeOrder::visits) return;
        if (const Action& action = operations_.action_of(operation); action.kind == Kind::attend)
            compute.attends[queries_of(action)].push({now, operation.row});
    }

    void start(OperationId id, double now) {
        Operation& operation = operations_[id];
        operation.started = true;
        operation.start = now;
        operation.released = now + operation.occupied;
        operation.end = operation.released + operation.latency;
        // Of an edge that nobody waits for it does not matter when it is free.
        if (!operation.transfer || operation.on_release != Lists::empty)
            events_.push({operation.released, std::uint64_t{id} * 2});
        events_.push({operation.end, std::uint64_t{id} * 2 + 1});
        ++started_;
    }

    void happen(std::size_t id, bool ended, double now) {
        const Operation& operation = operations_[id];
        if (!ended && !operation.transfer) {
            computes_[static_cast<std::size_t>(operation.rank)].busy = false;
            changed_.push_back(operation.rank);
        }
        operations_.lists().visit(ended ? operation.on_end : operation.on_release, [&](OperationId follower) {
            if (--operations_[follower].waits_for == 0) make_ready(follower, now);
        });
    }

    /// The first that was not started; null: there is none.
    const Compute::Place* first_of(int rank, Compute::Waiting& waiting) const {
        while (!waiting.empty() && operations_[operations_.at(rank, waiting.top().second)].started) waiting.pop();
        return waiting.empty() ? nullptr : &waiting.top();
    }

    /// On the ranks that have got something to do or become free since the last time.
    void start_compute(double now) {
        for (const int rank : changed_) {
            Compute& compute = computes_[static_cast<std::size_t>(rank)];
            if (compute.busy) continue;
            const Compute::Place* first = first_of(rank, compute.waiting);
            if (!first) continue;
            compute.busy = true;
            Compute::Place place = *first;
            bool joins = false;
            if (compute.visited && order_ == ComputeOrder::visits) {
                const Compute::Place* const same = first_of(rank, compute.attends[*compute.visited]);
                joins = same && same->first <= compute.visit_begin;
                if (joins) place = *same;
            }
            const OperationId id = operations_.at(rank, place.second);
            const Action& action = operations_.action_of(operations_[id]);
            operations_[id].joins = joins;
            if (action.kind == Kind::attend) {
                if (!joins) compute.visit_begin = now;
                compute.visited = queries_of(action);
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
        std::vector<std::vector<TimedAction>> timed;
        for (int rank = 0; rank < schedule_.ranks(); ++rank) {
            const std::vector<Action>& program = schedule_.program(rank);
            auto& rows = timed.emplace_back();
            rows.reserve(program.size());
            for (std::size_t row = 0; row < program.size(); ++row) {
                const Operation& operation = operations_[operations_.at(rank, row)];
                TimedAction& action = rows.emplace_back();
                action.action = &program[row];
                action.start = operation.start;
                action.end = operation.transfer ? operation.end : operation.released;
                action.ready = operation.ready;
                action.settled = operation.end;
                action.joins = operation.joins;
                if (program[row].kind == Kind::attend)
                    action.weighed = action.end + durations_.weighing(rank, program[row]);
            }
        }
        return timed;
    }

    const Schedule& schedule_;
    const Durations& durations_;
    const ComputeOrder order_;
    TableOperations operations_;
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
