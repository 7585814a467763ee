// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/turns.h"

namespace tilemesh::noc {

void Turns::advance(Picoseconds now) {
    if (now.value() - origin_ < turn_) return;
    const std::uint64_t ended = (now.value() - origin_) / turn_;
    origin_ += ended * turn_;
    if (waiting_.size() == 1) {
        waiting_[0].left -= ended * turn_;
        return;
    }
    const std::uint64_t rounds = ended / waiting_.size(), more = ended % waiting_.size();
    for (std::uint64_t i = 0; i < waiting_.size(); ++i) waiting_[i].left -= (rounds + (i < more ? 1 : 0)) * turn_;
    std::rotate(waiting_.begin(), waiting_.begin() + more, waiting_.end());
}

Picoseconds Turns::first_of_several() const {
    // Exact for whoever is first: until then everybody else takes whole turns.
    std::uint64_t first = ~std::uint64_t{0};
    for (std::uint64_t i = 0; i < waiting_.size(); ++i) {
        const std::uint64_t before_last = waiting_[i].left == 0 ? 0 : (waiting_[i].left - 1) / turn_;
        const std::uint64_t last = waiting_[i].left - before_last * turn_;
        first = std::min(first, (before_last * waiting_.size() + i) * turn_ + last);
    }
    return Picoseconds(origin_ + first);
}

int Turns::take_of_several(Picoseconds now) {
    advance(now);
    if (waiting_.back().left == 0) {  // its last turn was a whole one and has been handed out
        const int who = waiting_.back().who;
        waiting_.shorten(waiting_.size() - 1);
        return who;
    }
    if (origin_ + waiting_.front().left > now.value()) return nobody;
    const int who = waiting_.front().who;
    std::copy(waiting_.begin() + 1, waiting_.end(), waiting_.begin());
    waiting_.shorten(waiting_.size() - 1);
    origin_ = now.value();
    return who;
}

}  // namespace tilemesh::noc
