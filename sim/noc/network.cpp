// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/network.h"

#include "sim/noc/sim_time.h"

namespace tilemesh::noc {

Network::Network(sc_core::sc_module_name name, const NetworkConfig& config, const Topology& topology)
    : sc_module(name),
      config_(config),
      topology_(topology),
      fabric_(config, topology),
      links_(topology.links().size()),
      routes_(static_cast<std::size_t>(topology.pes())) {
    SC_METHOD(serve);
    dont_initialize();
    sensitive << wake_;
}

void Network::add(std::size_t number, std::unique_ptr<Link> link, Recorder* recorder) {
    fabric_.record(number, link->id(), recorder);
    links_[number] = std::move(link);
}

const Route& Network::route(int from, int to) {
    auto& row = routes_[static_cast<std::size_t>(from)];
    if (row.empty()) row.resize(static_cast<std::size_t>(topology_.pes()));
    auto& route = row[static_cast<std::size_t>(to)];
    if (!route) route = std::make_unique<Route>(topology_.route(from, to));
    return *route;
}

void Network::inject(Stream& stream, TrafficClass traffic) {
    entering_.push_back({&stream, traffic, sc_core::sc_delta_count()});
    wake_.notify(sc_core::SC_ZERO_TIME);
}

void Network::look_again(const Route& route, Picoseconds when) {
    fabric_.look_again(route[0].link, when);
    wake_at(when);
}

void Network::serve() {
    const Picoseconds now = simulated_now();
    const std::uint64_t delta = sc_core::sc_delta_count();
    // What came in this very delta cycle waits for the next, so that it never depends on who ran first.
    std::erase_if(entering_, [&](const Entering& entering) {
        if (entering.delta == delta) return false;
        fabric_.inject(*entering.stream, entering.traffic, now);
        return true;
    });
    fabric_.run_until(now);
    if (!entering_.empty()) wake_.notify(sc_core::SC_ZERO_TIME);
    if (fabric_.next_event() != Picoseconds::max()) wake_at(fabric_.next_event());
}

void Network::wake_at(Picoseconds when) {
    const Picoseconds now = simulated_now();
    if (when <= now) {
        wake_.notify(sc_core::SC_ZERO_TIME);
    } else {
        wake_.notify(to_sc_time(when - now));
    }
}

}  // namespace tilemesh::noc
