// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/chains.h"

#include "sim/base/error.h"

#include <functional>

namespace tilemesh::attention {

/// Whoever comes last has its turn then, and of any of the latest the first has all of theirs after it.
double Chains::after_all_turns(const Queue& queue) const {
    std::vector<double> latest;
    for (const Moment first : queue.firsts) latest.push_back(after_[first]);
    std::sort(latest.begin(), latest.end(), std::greater<>());
    if (!queue.all) latest.pop_back();
    double after = 0, turns = 0;
    for (const double first : latest) after = std::max(after, first + (turns += queue.ns));
    return after;
}

void Chains::walk(bool with_left) {
    const auto moments = static_cast<Moment>(after_.size());
    std::vector<std::uint32_t> waits(moments);
    for (const Follow& follow : follows_) ++waits[follow.then];
    std::vector<std::uint32_t> queue_of(queues_.empty() ? 0 : moments, none);
    for (std::size_t i = 0; i < queues_.size(); ++i) queue_of[queues_[i].then] = static_cast<std::uint32_t>(i);
    std::vector<Moment> order;
    order.reserve(moments);
    for (Moment moment = 0; moment < moments; ++moment)
        if (waits[moment] == 0) order.push_back(moment);
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (!queue_of.empty() && queue_of[order[i]] != none)
            not_before(order[i], after_all_turns(queues_[queue_of[order[i]]]));
        const double after = after_[order[i]];
        visit_followers(order[i], [&](Moment then, double ns) {
            not_before(then, after + ns);
            if (--waits[then] == 0) order.push_back(then);
        });
    }
    if (order.size() < moments) fail<InternalError>("latency bound: rows of a table wait in a circle");
    if (with_left) left_.assign(moments, 0);
    for (std::size_t i = with_left ? order.size() : 0; i-- > 0;) {
        double left = 0;
        visit_followers(order[i], [&](Moment then, double ns) { left = std::max(left, left_[then] + ns); });
        left_[order[i]] = left;
    }
    follows_ = {};
    queues_ = {};
    last_ = {};
}

double Chains::longest() const { return after_.empty() ? 0 : *std::max_element(after_.begin(), after_.end()); }

}  // namespace tilemesh::attention
