// SPDX-License-Identifier: Apache-2.0
// How a PE merges partial results: one after the other where their outputs are large, else side by side, because the
// few commands of one merge wait for each other.
#include "kernels/attention/run.h"

#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

namespace {

/// Merges that are weighed beside one.
constexpr double most_beside = 8;

}  // namespace

std::optional<Merge> AttentionRun::merge_of(const Action& action, std::size_t index) {
    QueryWork& work = work_of(action);
    Item from = action.item;
    from.copy = action.other;
    complete(work, index);
    if (!states_.written(from, index)) return {};
    const BlockRows& rows = work.blocks[index].rows;
    Merge merge;
    merge.into = &states_.take(action.item, index, rows);
    merge.other = &states_.take(from, index, rows);
    merge.where = Where::row(action);
    return merge;
}

void AttentionRun::weigh_merges() {
    std::set<Item> touched, merged;  // by rows that are left out, by the others
    std::vector<const Action*> rows;
    std::vector<Merge> all;
    for (std::size_t i = next_; i < order_.size(); ++i) {
        const Issue& issue = order_[i];
        const Action& action = *issue.action;
        const double most = order_[next_].time + most_beside * (order_[next_].end - order_[next_].time);
        if (issue.time > most || action.kind == Action::Kind::attend) break;
        if (issued_[i] || !action.item.is_register()) continue;
        Item other = action.item;
        other.copy = action.other;
        const bool apart = touched.count(action.item) + touched.count(other) + merged.count(other) == 0;
        const bool ready = i == next_ || issue.ready <= order_[next_].time;
        if (action.kind == Action::Kind::merge && ready && apart && weighed_.count(&action) == 0) {
            rows.push_back(&action);
            std::vector<Merge>& merges = weighed_[&action];
            for (std::size_t block = 0; block < work_of(action).blocks.size(); ++block)
                if (const std::optional<Merge> merge = merge_of(action, block)) merges.push_back(*merge);
            all.insert(all.end(), merges.begin(), merges.end());
            merged.insert(action.item);
        } else {
            // A receive writes its register, a send reads the other.
            if (action.kind != Action::Kind::send) touched.insert(action.item);
            if (action.kind != Action::Kind::receive) touched.insert(other);
        }
    }
    for (Merge& merge : all) take_maximum(tl_, merge);
    weigh(tl_, all);
    std::set<const State*> changed;
    for (Merge& merge : all)
        if (changed.insert(merge.into).second) scale(tl_, merge);
    auto next = all.begin();
    for (const Action* row : rows)
        for (Merge& merge : weighed_.at(row)) merge = std::move(*next++);
}

std::vector<const Action*> AttentionRun::merges_beside(std::size_t first) {
    std::vector<const Action*> rows;
    const auto beside = [&](const Issue& issue) {
        return issue.time == order_[first].time && issue.action->kind == Action::Kind::merge &&
               issue.part == order_[first].part;
    };
    for (std::size_t i = first; i < order_.size() && beside(order_[i]); ++i) {
        issued_[i] = true;
        rows.push_back(order_[i].action);
    }
    return rows;
}

void AttentionRun::weigh_step(const std::vector<const Action*>& rows) {
    std::vector<Merge> all;
    std::vector<std::size_t> counts;
    for (const Action* row : rows) {
        const std::size_t before = all.size();
        for (std::size_t block = 0; block < work_of(*row).blocks.size(); ++block)
            if (std::optional<Merge> merge = merge_of(*row, block)) {
                take_maximum(tl_, *merge);
                all.push_back(std::move(*merge));
            }
        counts.push_back(all.size() - before);
    }
    weigh(tl_, all);
    auto next = all.begin();
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::vector<Merge>& merges = weighed_[rows[i]]; merges.size() < counts[i];)
            merges.push_back(std::move(*next++));
}

void AttentionRun::merge_step(const std::vector<const Action*>& rows) {
    std::vector<Merge> all;
    for (const Action* row : rows) {
        auto weighed = weighed_.extract(row);
        std::move(weighed.mapped().begin(), weighed.mapped().end(), std::back_inserter(all));
    }
    // What is there may be as late as what comes: one ahead, not all.
    for (std::size_t i = 0; i < all.size(); ++i) {
        scale(tl_, all[i]);
        if (merged_ && i + 1 < all.size() && all[i + 1].into != all[i].into) scale(tl_, all[i + 1]);
        add_up(tl_, all[i]);
    }
    merged_ = true;
}

void AttentionRun::merge_states(std::size_t place) {
    const Issue& issue = order_[place];
    const Action& action = *issue.action;
    const tl::PhaseScope phase(tl_, Where::row(action));
    const QueryWork& work = work_of(action);
    if (issue.part == StatePart::maximum) return weigh_step(merges_beside(place));
    if (issue.part == StatePart::rest) return merge_step(merges_beside(place));
    if (launch_.tiling.short_blocks()) {
        if (weighed_.count(&action) == 0) weigh_merges();
        auto weighed = weighed_.extract(&action);
        for (Merge& merge : weighed.mapped()) add_up(tl_, merge);
        return;
    }
    Item from = action.item;
    from.copy = action.other;
    for (std::size_t i = 0; i < work.blocks.size(); ++i) {
        std::optional<Merge> merge = merge_of(action, i);
        if (!merge) continue;
        std::vector<Merge> alone = {std::move(*merge)};
        take_maximum(tl_, alone.front());
        weigh(tl_, alone);
        add_up(tl_, alone.front());
        states_.put_back(from, i, work.blocks[i].rows);
        states_.put_back(action.item, i, work.blocks[i].rows);
    }
}

}  // namespace tilemesh::kernels
