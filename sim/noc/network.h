// SPDX-License-Identifier: Apache-2.0
// All links of a machine and the routes between its PEs. The links are modules of the cubes they leave from; this
// class wires them and is where streams enter.
#pragma once

#include "sim/noc/link.h"

#include <memory>
#include <vector>

namespace tilemesh::noc {

class Network {
public:
    Network(const NetworkConfig& config, const Topology& topology)
        : config_(config), topology_(topology), routes_(static_cast<std::size_t>(topology.pes())) {}

    /// Takes over one link; all must be added, in the order of topology().links(), before wire().
    void add(std::size_t number, std::unique_ptr<Link> link);
    void wire();

    const NetworkConfig& config() const { return config_; }
    const Topology& topology() const { return topology_; }
    const std::vector<Link*>& links() const { return links_; }
    /// Made when first asked for, then kept.
    const Route& route(int from, int to);
    /// Latency of an empty network for a packet's head, all routers and wires included.
    Picoseconds head_latency(int from, int to);
    void inject(Stream& stream, TrafficClass traffic) { links_[(*stream.route)[0].link]->inject(stream, traffic); }
    Link& first_link(const Route& route) { return *links_[route[0].link]; }

private:
    const NetworkConfig& config_;
    const Topology& topology_;
    std::vector<std::unique_ptr<Link>> owned_;
    std::vector<Link*> links_;
    std::vector<std::vector<std::unique_ptr<Route>>> routes_;  // [from][to]
};

}  // namespace tilemesh::noc
