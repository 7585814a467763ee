// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/turns.h"

namespace tilemesh::noc {

Picoseconds Turns::join_others(Member member, Picoseconds now) {
    advance(now);
    std::uint64_t first_turn = origin_;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const std::uint64_t next = next_round(i);
        if (members_[i].round > next) first_turn += turn_;
        if (members_[i].round == next) first_turn += members_[i].last;
    }
    // Behind all who wait and before whose turn it is, which is in this round: its own first is in the next.
    member.round += round_ + 1;
    members_.push_back(member);
    std::copy_backward(members_.begin() + place_, members_.end() - 1, members_.end());
    members_[place_] = member;
    if (first_ >= place_) ++first_;
    const std::uint64_t round_of_first = members_[first_].round;
    if (member.round < round_of_first || (member.round == round_of_first && place_ < first_)) first_ = place_;
    ++place_;
    return Picoseconds(first_turn);
}

void Turns::remove_first(Picoseconds now) {
    if (is_done(members_[first_], first_)) {
        if (first_ < place_) --place_;
    } else {
        origin_ = now.value();
        round_ = members_[first_].round;
        place_ = first_;
    }
    std::copy(members_.begin() + first_ + 1, members_.end(), members_.begin() + first_);
    members_.shorten(members_.size() - 1);
    if (place_ == members_.size()) {
        place_ = 0;
        ++round_;
    }
    first_ = 0;
    for (std::size_t i = 1; i < members_.size(); ++i)
        if (members_[i].round < members_[first_].round) first_ = i;
}

}  // namespace tilemesh::noc
