// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/chains.h"

#include "sim/base/error.h"

namespace tilemesh::attention {

void Chains::walk() {
    std::vector<int> waits(after_.size());
    for (const auto& followers : follows_)
        for (const auto& [then, ns] : followers) ++waits[then];
    std::vector<Moment> order;
    for (Moment moment = 0; moment < waits.size(); ++moment)
        if (waits[moment] == 0) order.push_back(moment);
    for (std::size_t i = 0; i < order.size(); ++i)
        for (const auto& [then, ns] : follows_[order[i]]) {
            not_before(then, after_[order[i]] + ns);
            if (--waits[then] == 0) order.push_back(then);
        }
    if (order.size() < after_.size()) fail<InternalError>("latency bound: rows of a table wait in a circle");
    left_.assign(after_.size(), 0);
    for (std::size_t i = order.size(); i-- > 0;)
        for (const auto& [then, ns] : follows_[order[i]])
            left_[order[i]] = std::max(left_[order[i]], left_[then] + ns);
}

double Chains::longest() const { return after_.empty() ? 0 : *std::max_element(after_.begin(), after_.end()); }

}  // namespace tilemesh::attention
