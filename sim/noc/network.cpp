// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/network.h"

namespace tilemesh::noc {

void Network::add(std::size_t number, std::unique_ptr<Link> link) {
    if (links_.size() <= number) links_.resize(number + 1, nullptr);
    links_[number] = link.get();
    owned_.push_back(std::move(link));
}

void Network::wire() {
    std::vector<std::vector<InputBuffer*>> at_router(static_cast<std::size_t>(topology_.pes()));
    for (Link* link : links_) {
        auto& inputs = at_router[static_cast<std::size_t>(link->spec().to)];
        for (int channel = 0; channel < 2; ++channel) inputs.push_back(&link->buffer(channel));
    }
    for (Link* link : links_) link->connect(at_router[static_cast<std::size_t>(link->spec().from)], links_);
}

const Route& Network::route(int from, int to) {
    auto& row = routes_[static_cast<std::size_t>(from)];
    if (row.empty()) row.resize(static_cast<std::size_t>(topology_.pes()));
    auto& route = row[static_cast<std::size_t>(to)];
    if (!route) route = std::make_unique<Route>(topology_.route(from, to));
    return *route;
}

Picoseconds Network::head_latency(int from, int to) {
    Picoseconds total = config_.router_latency;
    for (const Hop& hop : route(from, to)) {
        total += links_[hop.link]->spec().config.latency + config_.router_latency;
    }
    return total;
}

}  // namespace tilemesh::noc
