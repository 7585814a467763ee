// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/multicast.h"

#include "sim/base/error.h"
#include "sim/noc/sim_time.h"
#include "sim/pe/processing_element.h"

namespace tilemesh::pe {

void Multicast::start(ProcessingElement& from, const Command& command, Bytes bytes, const PayloadPtr& values) {
    noc::Network& network = from.surroundings().network;
    const std::span<const std::int32_t> to = receivers_of(command);
    const noc::RouteTree& tree = network.tree(from.number(), to, command.network);
    const std::shared_ptr<Multicast> multicast(new Multicast(from, tree));
    std::vector<noc::Stream*> streams(tree.branches.size(), nullptr);
    for (std::size_t i = 0; i < to.size(); ++i)
        streams[tree.ends[i]] = &from.surroundings()
                                     .channel(from.number(), to[i])
                                     .join_multicast(multicast, command.network, bytes, values, command.index, i > 0);
    for (std::size_t branch = tree.branches.size(); branch-- > 0;) {  // those that go on from one come after it
        if (!streams[branch]) streams[branch] = &multicast->inner_.emplace_back();
        noc::Stream& stream = *streams[branch];
        stream.route = &tree.branches[branch].route;
        stream.size = bytes;
        stream.available_from = stream.available_until = simulated_now();
        stream.command = command.index;
        if (tree.branches[branch].onward.empty()) continue;
        stream.copies = &multicast->copies_[branch];
        for (const std::size_t onward : tree.branches[branch].onward) {
            const bool ends = tree.branches[onward].route.empty();
            if (ends) stream.end_of_copies = streams[onward];
            if (!ends) multicast->copies_[branch].push_back(streams[onward]);
        }
    }
    streams.front()->client = multicast.get();
    network.inject(*streams.front(), noc::TrafficClass::message);
}

void Multicast::stream_left(Picoseconds when) {
    from_.send_left(static_cast<int>(inner_.back().route->front().link), when);
}

void Multicast::bytes_arrived(noc::Stream&, Bytes, Picoseconds, bool) {
    fail<InternalError>("{}: a multicast has arrived nowhere", from_.path());
}

}  // namespace tilemesh::pe
