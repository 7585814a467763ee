// SPDX-License-Identifier: Apache-2.0
// One message from a PE to several others, as it leaves over one of its links: a tree of streams, of which the last
// ones are the messages of the channels to each receiver. A packet enters when every receiver has room for it.
#pragma once

#include "sim/noc/network.h"
#include "sim/tile/command.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace tilemesh::pe {

class ProcessingElement;

class Multicast final : public noc::StreamClient {
public:
    /// The send engine of `from` hears when the last byte has left. The command's receivers are reached over one
    /// link.
    static void start(ProcessingElement& from, const Command& command, Bytes bytes, const PayloadPtr& values);

    void stream_left(Picoseconds when) override;
    void bytes_arrived(noc::Stream& stream, Bytes bytes, Picoseconds when, bool complete) override;

private:
    Multicast(ProcessingElement& from, const noc::RouteTree& tree) : from_(from), copies_(tree.branches.size()) {}

    ProcessingElement& from_;
    std::deque<noc::Stream> inner_;                  // of branches from which others go on
    std::vector<std::vector<noc::Stream*>> copies_;  // by branch
};

}  // namespace tilemesh::pe
