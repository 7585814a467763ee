// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/turns.h"

namespace tilemesh::noc {

void Turns::hand_out(Waiting& to, std::uint64_t turns) {
    if (turns <= to.turns) {
        to.turns -= turns;
    } else {
        to.turns = to.last = 0;  // the last, a whole one, too
    }
}

void Turns::advance(Picoseconds now) {
    const std::uint64_t passed = now.value() - origin_;
    if (passed < turn_) return;
    const std::uint64_t ended = passed < 2 * turn_ ? 1 : passed / turn_;
    origin_ += ended * turn_;
    if (waiting_.size() == 1) return hand_out(waiting_[0], ended);
    const std::uint64_t rounds = ended < waiting_.size() ? 0 : ended / waiting_.size();
    const std::uint64_t more = ended - rounds * waiting_.size();
    for (std::uint64_t i = 0; i < waiting_.size(); ++i) hand_out(waiting_[i], rounds + (i < more ? 1 : 0));
    std::rotate(waiting_.begin(), waiting_.begin() + more, waiting_.end());
}

Picoseconds Turns::first_of_several() const {
    // Exact for whoever is first: until then everybody else takes whole turns.
    std::uint64_t first = ~std::uint64_t{0};
    for (std::uint64_t i = 0; i < waiting_.size(); ++i) {
        const Waiting& w = waiting_[i];
        first = std::min(first, (w.turns * waiting_.size() + i) * turn_ + w.last);
    }
    return Picoseconds(origin_ + first);
}

int Turns::take_of_several(Picoseconds now) {
    advance(now);
    if (left_of(waiting_.back()) == 0) {  // its last turn was a whole one and has been handed out
        const int who = waiting_.back().who;
        waiting_.shorten(waiting_.size() - 1);
        return who;
    }
    if (origin_ + left_of(waiting_.front()) > now.value()) return nobody;
    const int who = waiting_.front().who;
    std::copy(waiting_.begin() + 1, waiting_.end(), waiting_.begin());
    waiting_.shorten(waiting_.size() - 1);
    origin_ = now.value();
    return who;
}

}  // namespace tilemesh::noc
