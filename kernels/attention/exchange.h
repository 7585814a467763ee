// SPDX-License-Identifier: Apache-2.0
// The transfers of one step as the one launch that a framework makes of them: how many messages, how many bytes on
// the fullest way, and their pieces in an order that all PEs keep, else two could wait for each other.
#pragma once

#include "kernels/attention/issue_order.h"

#include <map>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

class Exchange {
public:
    Exchange(int rank, const attention::Schedule& schedule) : rank_(rank), schedule_(schedule) {}
    /// A send or receive of so many pieces, which is one message of the exchange.
    void add(const attention::Action& action, std::size_t pieces, Bytes bytes);
    bool empty() const { return issues_.empty(); }
    LaunchedWork work() const;
    std::vector<Issue> in_order() const;

private:
    int rank_;
    const attention::Schedule& schedule_;
    int messages_ = 0;
    std::map<std::pair<bool, int>, Bytes> bytes_;  // by direction and peer
    std::vector<Issue> issues_;
};

}  // namespace tilemesh::kernels
