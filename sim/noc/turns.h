// SPDX-License-Identifier: Apache-2.0
// Packets that share one link take turns, a flit at a time. Who gets which turn need not be played through: how far
// everybody is at some moment, and who finishes first and when, follow from the order and from what each has left.
// Plain arithmetic on the link's own time; it is kept up to date only when somebody joins or finishes.
#pragma once

#include "sim/base/few.h"
#include "sim/base/units.h"

#include <algorithm>

namespace tilemesh::noc {

/// Turns go round in rounds. Of everybody is known in which round the last one comes, so that whoever looks later
/// changes nothing but the place in the round; the first to finish is whose last turn has the smallest (round,
/// place).
class Turns {
public:
    static constexpr int nobody = -1;

    /// `turn`: how long the link takes for one flit.
    explicit Turns(Picoseconds turn) : turn_(std::max(turn.value(), std::uint64_t{1})) {}

    bool empty() const { return members_.empty(); }
    std::size_t size() const { return members_.size(); }

    /// `who` wants the link for `work` from now on; returns when its first turn begins if nobody leaves before.
    Picoseconds join(int who, Picoseconds work, Picoseconds now) {
        const std::uint64_t turns = work.value() == 0 ? 0 : (work.value() - 1) / turn_;
        const std::uint64_t last = work.value() - turns * turn_;
        if (!members_.empty()) return join_others({turns, last, who}, now);
        origin_ = now.value();
        round_ = 0;
        place_ = first_ = 0;
        members_.push_back({turns, last, who});
        return now;
    }

    /// When the next of them will have had all its turns, if nobody joins; max: nobody is here.
    Picoseconds next_finish() const {
        if (members_.empty()) return Picoseconds::max();
        const Member& first = members_[first_];
        if (is_done(first, first_)) return Picoseconds(origin_);
        // Until then everybody else takes whole turns.
        const std::uint64_t before = (first.round - round_) * members_.size() + first_ - place_;
        return Picoseconds(origin_ + before * turn_ + first.last);
    }

    /// Somebody who has had all of them by now, or nobody; call until nobody. Times do not pass next_finish().
    int take_finished(Picoseconds now) {
        if (next_finish() > now) return nobody;
        const int who = members_[first_].who;
        if (members_.size() == 1) {
            members_.clear();
        } else {
            remove_first(now);
        }
        return who;
    }

    /// Calls visit(who, left) for everybody here: how long the link still has to work for them at `now`.
    template <class Visit>
    void visit_left(Picoseconds now, Visit visit) {
        if (members_.empty()) return;
        advance(now);
        for (std::size_t i = 0; i < members_.size(); ++i) {
            const Member& member = members_[i];
            if (is_done(member, i)) continue;
            const std::uint64_t left = (member.round - next_round(i)) * turn_ + member.last;
            visit(member.who, Picoseconds(i == place_ ? left - (now.value() - origin_) : left));
        }
    }

private:
    struct Member {
        std::uint64_t round;  // of its last turn
        std::uint64_t last;   // how long that is, a whole one at most
        int who;
    };
    /// In which the next turn of the one at this place is.
    std::uint64_t next_round(std::size_t place) const { return place < place_ ? round_ + 1 : round_; }
    /// It has had its last turn, a whole one, and was not taken yet.
    bool is_done(const Member& member, std::size_t place) const { return member.round < next_round(place); }
    /// Comes to whose turn it is.
    void advance(Picoseconds now) {
        const std::uint64_t passed = now.value() - origin_;
        if (passed < turn_) return;
        const std::uint64_t ended = passed < 2 * turn_ ? 1 : passed / turn_;
        origin_ += ended * turn_;
        place_ += ended;
        if (place_ < members_.size()) return;
        const std::uint64_t rounds = place_ < 2 * members_.size() ? 1 : place_ / members_.size();
        round_ += rounds;
        place_ -= rounds * members_.size();
    }
    /// `member`: its round is counted from 0.
    Picoseconds join_others(Member member, Picoseconds now);
    void remove_first(Picoseconds now);

    std::uint64_t turn_;
    std::uint64_t origin_ = 0;  // when the turn of the one at place_ began
    std::uint64_t round_ = 0;   // that it belongs to
    std::size_t place_ = 0;
    std::size_t first_ = 0;   // whose last turn comes first
    Few<Member, 4> members_;  // in the order of their turns
};

}  // namespace tilemesh::noc
