// SPDX-License-Identifier: Apache-2.0
// Packets that share one link take turns, a flit at a time. Who gets which turn need not be played through: how far
// everybody is at some moment, and who finishes first and when, follow from the order and from what each has left.
// Plain arithmetic on the link's own time; it is kept up to date only when somebody joins or finishes.
#pragma once

#include "sim/base/few.h"
#include "sim/base/units.h"

#include <algorithm>
#include <utility>

namespace tilemesh::noc {

class Turns {
public:
    static constexpr int nobody = -1;

    /// `turn`: how long the link takes for one flit.
    explicit Turns(Picoseconds turn) : turn_(std::max(turn.value(), std::uint64_t{1})) {}

    bool empty() const { return waiting_.empty(); }
    std::size_t size() const { return waiting_.size(); }

    /// `who` wants the link for `work` from now on; returns when its first turn begins if nobody leaves before.
    Picoseconds join(int who, Picoseconds work, Picoseconds now) {
        std::uint64_t first = now.value();
        if (waiting_.empty()) {
            origin_ = first;
        } else {
            advance(now);
            first = origin_;
            for (const Waiting& w : waiting_) first += w.turns > 0 ? turn_ : w.last;
        }
        const std::uint64_t turns = work.value() == 0 ? 0 : (work.value() - 1) / turn_;
        waiting_.push_back({who, turns, work.value() - turns * turn_});
        return Picoseconds(first);
    }

    /// When the next of them will have had all its turns, if nobody joins; max: nobody is here.
    Picoseconds next_finish() const {
        if (waiting_.size() == 1) return Picoseconds(origin_ + left_of(waiting_[0]));
        return waiting_.empty() ? Picoseconds::max() : first_of_several();
    }

    /// Somebody who has had all of them by now, or nobody; call until nobody. Times do not pass next_finish().
    int take_finished(Picoseconds now) {
        if (waiting_.size() > 1) return take_of_several(now);
        if (waiting_.empty() || origin_ + left_of(waiting_[0]) > now.value()) return nobody;
        const int who = waiting_[0].who;
        waiting_.clear();
        return who;
    }

    /// Calls visit(who, left) for everybody here: how long the link still has to work for them at `now`.
    template <class Visit>
    void visit_left(Picoseconds now, Visit visit) {
        if (waiting_.empty()) return;
        advance(now);
        std::uint64_t under_way = now.value() - origin_;
        for (const Waiting& w : waiting_) visit(w.who, Picoseconds(left_of(w) - std::exchange(under_way, 0)));
    }

private:
    /// What somebody still needs, divided once: finding out who is first asks for no division.
    struct Waiting {
        int who;
        std::uint64_t turns;  // whole ones, before the last
        std::uint64_t last;   // how long that is: a whole one at most, nothing when it has been handed out
    };
    std::uint64_t left_of(const Waiting& w) const { return w.turns * turn_ + w.last; }
    Picoseconds first_of_several() const;
    int take_of_several(Picoseconds now);
    /// Hands out the turns that ended until now.
    void advance(Picoseconds now);
    static void hand_out(Waiting& to, std::uint64_t turns);

    std::uint64_t turn_;
    std::uint64_t origin_ = 0;  // when the turn of the first in the list began
    Few<Waiting, 4> waiting_;   // in the order of their next turns
};

}  // namespace tilemesh::noc
