// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/waiting_lines.h"

#include <algorithm>

namespace tilemesh::memory {

WaitingLines::Line& WaitingLines::line_numbered(int line) {
    if (!has(line)) lines_.resize(index(line) + 1);
    return lines_[index(line)];
}

WaitingLines::Asking WaitingLines::asking(int line) const {
    const Line& of = lines_[index(line)];
    return {pool_[index(of.hit == none ? of.first : of.hit)].age, line};
}

void WaitingLines::leave_list(int line) {
    if (lines_[index(line)].size == 0) return;
    std::vector<Asking>& list = lists_[list_of(lines_[index(line)])];
    list.erase(std::lower_bound(list.begin(), list.end(), asking(line)));
}

void WaitingLines::join_list(int line) {
    if (lines_[index(line)].size == 0) return;
    std::vector<Asking>& list = lists_[list_of(lines_[index(line)])];
    list.insert(std::upper_bound(list.begin(), list.end(), asking(line)), asking(line));
}

void WaitingLines::push(int line, const Access& access) {
    Line& of = line_numbered(line);
    int number = static_cast<int>(pool_.size());
    if (unused_.empty()) {
        pool_.emplace_back();
    } else {
        number = unused_.back();
        unused_.pop_back();
    }
    pool_[index(number)] = {access, pushed_++, of.last, none};
    const bool hits = of.open && of.row == access.row && of.hit == none;
    const bool asks = of.size == 0 || hits;  // for something else than before
    if (asks) leave_list(line);
    (of.size == 0 ? of.first : pool_[index(of.last)].behind) = number;
    of.last = number;
    if (hits) of.hit = number;
    ++of.size;
    ++size_;
    if (asks) join_list(line);
}

Access WaitingLines::take(int line, int number) {
    Line& of = lines_[index(line)];
    const Waiting& taken = pool_[index(number)];
    (taken.before == none ? of.first : pool_[index(taken.before)].behind) = taken.behind;
    (taken.behind == none ? of.last : pool_[index(taken.behind)].before) = taken.before;
    unused_.push_back(number);
    --of.size;
    --size_;
    return taken.access;
}

Access WaitingLines::take_oldest(int line) {
    leave_list(line);
    const Access taken = take(line, lines_[index(line)].first);
    join_list(line);
    return taken;
}

Access WaitingLines::take_hit(int line) {
    Line& of = lines_[index(line)];
    std::vector<Asking>& list = lists_[move];
    const auto old = std::lower_bound(list.begin(), list.end(), asking(line));
    const int number = of.hit;
    of.hit = next_of_row(pool_[index(number)].behind, pool_[index(number)].access.row);
    const Access taken = take(line, number);
    if (of.hit == none) {
        list.erase(old);
        join_list(line);
        return taken;
    }
    // It moves back behind those that ask for what came before.
    const Asking next = asking(line);
    const auto place = std::upper_bound(old + 1, list.end(), next);
    std::copy(old + 1, place, old);
    *(place - 1) = next;
    return taken;
}

void WaitingLines::row_opened(int line, std::uint64_t row) {
    Line& of = line_numbered(line);
    leave_list(line);
    of.open = true;
    of.row = row;
    of.hit = next_of_row(of.first, row);
    join_list(line);
}

void WaitingLines::row_closed(int line) {
    Line& of = line_numbered(line);
    leave_list(line);
    of.open = false;
    of.hit = none;
    join_list(line);
}

int WaitingLines::next_of_row(int from, std::uint64_t row) const {
    while (from != none && pool_[index(from)].access.row != row) from = pool_[index(from)].behind;
    return from;
}

}  // namespace tilemesh::memory
