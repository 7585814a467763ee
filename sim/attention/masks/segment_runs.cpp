// SPDX-License-Identifier: Apache-2.0
// The runs of one id are found by binary search; a block is gone through run by run on its side with fewer runs.
#include "sim/attention/masks/segment_runs.h"

#include <algorithm>
#include <map>

namespace tilemesh::attention {

SegmentRuns::SegmentRuns(std::span<const Piece> pieces) : begins_{0} {
    std::map<std::int64_t, std::size_t> numbers;  // in the order of first appearance
    for (const Piece& piece : pieces) {
        const std::size_t id = numbers.emplace(piece.id, numbers.size()).first->second;
        if (ids_.empty() || ids_.back() != id) {
            ids_.push_back(id);
            begins_.push_back(begins_.back());
        }
        begins_.back() += piece.length;
    }
    first_of_id_.assign(numbers.size() + 1, 0);
    for (const std::size_t id : ids_) ++first_of_id_[id + 1];
    for (std::size_t id = 0; id < numbers.size(); ++id) first_of_id_[id + 1] += first_of_id_[id];
    std::vector<std::size_t> next(first_of_id_.begin(), first_of_id_.end() - 1);
    runs_of_id_.resize(ids_.size());
    before_.resize(ids_.size());
    for (std::size_t run = 0; run < ids_.size(); ++run) {
        const std::size_t slot = next[ids_[run]]++;
        runs_of_id_[slot] = run;
        if (slot > first_of_id_[ids_[run]]) before_[slot] = before_[slot - 1] + extent(runs_of_id_[slot - 1]).size();
    }
}

std::size_t SegmentRuns::run_at(std::int64_t position) const {
    return static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), position) - begins_.begin()) - 1;
}

Range SegmentRuns::cut(Range range) const {
    return {std::max<std::int64_t>(range.begin, 0), std::min(range.end, size())};
}

std::int64_t SegmentRuns::count_before(std::size_t id, std::int64_t end) const {
    const auto first = runs_of_id_.begin() + static_cast<std::ptrdiff_t>(first_of_id_[id]);
    const auto last = runs_of_id_.begin() + static_cast<std::ptrdiff_t>(first_of_id_[id + 1]);
    const auto past = std::partition_point(first, last, [&](std::size_t run) { return begins_[run] < end; });
    if (past == first) return 0;
    const Range run = extent(*(past - 1));
    return before_[static_cast<std::size_t>(past - 1 - runs_of_id_.begin())] + std::min(end, run.end) - run.begin;
}

std::int64_t SegmentRuns::count(std::size_t id, Range range) const {
    return count_before(id, range.end) - count_before(id, range.begin);
}

void SegmentRuns::mark(std::size_t id, Range range, std::span<float> marks) const {
    const Range inside = cut(range);
    if (inside.empty()) return;
    for (std::size_t run = run_at(inside.begin); run < ids_.size() && begins_[run] < inside.end; ++run) {
        if (ids_[run] != id) continue;
        const std::int64_t begin = std::max(begins_[run], inside.begin), end = std::min(begins_[run + 1], inside.end);
        std::fill(marks.begin() + (begin - range.begin), marks.begin() + (end - range.begin), 1.0F);
    }
}

Visible SegmentRuns::block(Range queries, Range keys) const {
    const Range a = cut(queries), b = cut(keys);
    if (a.empty() || b.empty()) return Visible::none;
    const std::size_t a_first = run_at(a.begin), a_last = run_at(a.end - 1);
    const std::size_t b_first = run_at(b.begin), b_last = run_at(b.end - 1);
    if (a_first == a_last && b_first == b_last) {
        if (ids_[a_first] != ids_[b_first]) return Visible::none;
        return a == queries && b == keys ? Visible::all : Visible::some;
    }
    // Two runs side by side have two ids, so it cannot be all. A run that both touch is seen; where every id is one
    // run, nothing else is.
    if (a_first <= b_last && b_first <= a_last) return Visible::some;
    if (first_of_id_.size() - 1 == ids_.size()) return Visible::none;
    const bool fewer = a_last - a_first <= b_last - b_first;
    const Range other = fewer ? b : a;
    for (std::size_t run = fewer ? a_first : b_first; run <= (fewer ? a_last : b_last); ++run)
        if (count(ids_[run], other) > 0) return Visible::some;
    return Visible::none;
}

std::uint64_t SegmentRuns::equal_pairs(Range queries, Range keys) const {
    Range a = cut(queries), b = cut(keys);
    if (a.empty() || b.empty()) return 0;
    std::size_t first = run_at(a.begin), last = run_at(a.end - 1);
    const std::size_t other_first = run_at(b.begin), other_last = run_at(b.end - 1);
    if (other_last - other_first < last - first) {
        std::swap(a, b);
        first = other_first;
        last = other_last;
    }
    std::uint64_t pairs = 0;
    for (std::size_t run = first; run <= last; ++run) {
        const Range part{std::max(begins_[run], a.begin), std::min(begins_[run + 1], a.end)};
        pairs += static_cast<std::uint64_t>(part.size()) * static_cast<std::uint64_t>(count(ids_[run], b));
    }
    return pairs;
}

}  // namespace tilemesh::attention
