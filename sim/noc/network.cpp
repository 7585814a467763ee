// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/network.h"

#include "sim/noc/sim_time.h"

namespace tilemesh::noc {

Network::Network(sc_core::sc_module_name name, const NetworkConfig& config, const Topology& topology)
    : sc_module(name),
      config_(config),
      topology_(topology),
      fabric_(config, topology),
      links_(topology.links().size()) {
    SC_METHOD(serve);
    dont_initialize();
    sensitive << wake_;
}

void Network::add(std::size_t number, std::unique_ptr<Link> link, Recorder* recorder) {
    fabric_.record(number, link->id(), recorder);
    links_[number] = std::move(link);
}

int Network::choice(int from, int to, int asked) {
    if (asked >= 0) return asked;
    if (topology_.networks() == 1) return 0;
    const auto [choice, is_new] = choices_.try_emplace(key_of(from, to, 0));
    if (is_new) choice->second = topology_.choice(from, to);
    return choice->second;
}

const Route& Network::route(int from, int to, int network) {
    const auto [route, is_new] = routes_.try_emplace(key_of(from, to, network));
    if (is_new) route->second = topology_.route(from, to, network);
    return route->second;
}

const RouteTree& Network::tree(int from, std::span<const std::int32_t> to, int network) {
    const auto [tree, is_new] = trees_.try_emplace({network, from, {to.begin(), to.end()}});
    if (is_new) {
        std::vector<Route> routes;
        for (const std::int32_t pe : to) routes.push_back(route(from, pe, network));
        tree->second = tree_of(routes);
    }
    return tree->second;
}

void Network::inject(Stream& stream, TrafficClass traffic) {
    entering_.push_back({&stream, traffic, sc_core::sc_delta_count()});
    wake_.notify(sc_core::SC_ZERO_TIME);
}

void Network::look_again(const Route& route, Picoseconds when) {
    // Of every packet that arrives; hardly ever does anybody wait.
    if (!fabric_.any_starved()) return;
    if (fabric_.look_again(route[0].link, when) && !serving_) wake_at(when);
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
    serving_ = true;
    fabric_.run_until(now);
    // As long as nobody else acts, there is no need to wait for the clock. Who acts at this very instant may send.
    if (entering_.empty()) fabric_.run_ahead(now + Picoseconds(sc_core::sc_time_to_pending_activity().value()));
    serving_ = false;
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
