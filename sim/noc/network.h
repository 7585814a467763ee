// SPDX-License-Identifier: Apache-2.0
// The networks of a machine as one SystemC module: it lets the fabric run as far as simulated time has come, and
// wakes when something is due in it. Links are modules of the cubes they leave from, by name only.
#pragma once

#include "sim/noc/fabric.h"
#include "sim/noc/link.h"
#include "sim/noc/route_tree.h"

#include <map>
#include <memory>
#include <span>
#include <systemc>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tilemesh::noc {

class Network : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(Network);
    Network(sc_core::sc_module_name name, const NetworkConfig& config, const Topology& topology);

    /// Takes over one link of topology().links().
    void add(std::size_t number, std::unique_ptr<Link> link, Recorder* recorder);

    const NetworkConfig& config() const { return config_; }
    const Topology& topology() const { return topology_; }
    /// Over which network, where the transfer does not say (-1).
    int choice(int from, int to, int asked);
    /// Made when first asked for, then kept.
    const Route& route(int from, int to, int network);
    /// Likewise, the ways from one PE to several that are reached over the same first link.
    const RouteTree& tree(int from, std::span<const std::int32_t> to, int network);
    Picoseconds head_latency(int from, int to, int network) {
        return noc::head_latency(config_, topology_, route(from, to, network));
    }
    /// From now on the stream wants to enter its first link.
    void inject(Stream& stream, TrafficClass traffic);
    /// At the end: what links carried, to recorders that do not follow packets.
    void report_links() { fabric_.report(); }
    /// Credits of a stream on this route come back at `when`, later than now.
    void look_again(const Route& route, Picoseconds when);

private:
    void serve();
    void wake_at(Picoseconds when);

    struct Entering {
        Stream* stream;
        TrafficClass traffic;
        std::uint64_t delta;  // cycle in which it came
    };
    const NetworkConfig& config_;
    const Topology& topology_;
    Fabric fabric_;
    std::vector<std::unique_ptr<Link>> links_;
    static std::uint64_t key_of(int from, int to, int network) {
        return static_cast<std::uint64_t>(network) << 48U | static_cast<std::uint64_t>(from) << 24U |
               static_cast<std::uint32_t>(to);
    }
    std::unordered_map<std::uint64_t, Route> routes_;  // by both ends and network
    std::unordered_map<std::uint64_t, int> choices_;   // by both ends, where there are several networks
    std::map<std::tuple<int, int, std::vector<std::int32_t>>, RouteTree> trees_;  // by network, sender and receivers
    std::vector<Entering> entering_;
    sc_core::sc_event wake_;
    bool serving_ = false;  // and will look itself for what comes next
};

}  // namespace tilemesh::noc
