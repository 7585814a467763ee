// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/pace.h"

#include <cmath>

namespace tilemesh::insight {

Pace::Pace(const machine::MachineConfig& config)
    : config_(config),
      sram_port_(Rate::gbytes_per_s(config.pe.dma.bytes_per_cycle * config.pe.clock.ghz())),
      topology_(config_.network),
      profile_(config_.hbm) {}

Pace::Work Pace::work(const Command& command, double units_at_work) const {
    const pe::Cost cost = engine_of(command.op) == EngineKind::matrix
                              ? pe::matrix_cost(config_.pe.matrix, command)
                              : pe::vector_cost(config_.pe.vector, command.op, command.elements);
    return {config_.pe.clock.time_for(cost.occupancy_cycles / units_at_work),
            config_.pe.clock.time_for(cost.latency_cycles / units_at_work)};
}

Pace::Access Pace::access(Bytes bytes, Bytes run, bool write) {
    const auto rounded_up = [](double ns) { return Picoseconds(static_cast<std::uint64_t>(std::ceil(ns * 1000.0))); };
    const double payload = static_cast<double>(bytes.value()) * profile_.ns_per_byte(run.value(), write);
    if (config_.hbm.standard == memory::Standard::ideal) return {config_.hbm.access_latency, rounded_up(payload)};
    return {config_.hbm.access_latency + rounded_up(profile_.first_data_ns(write) + profile_.opening_ns(write)),
            rounded_up(payload)};
}

std::pair<noc::Route, Picoseconds>& Pace::way(const Leg& leg) {
    const auto [found, is_new] = ways_.try_emplace(leg);
    if (is_new) {
        found->second.first = topology_.route(leg.from, leg.to, leg.network);
        found->second.second = noc::head_latency(config_.network, topology_, found->second.first);
    }
    return found->second;
}

namespace {

/// Room that a sender may fill before any of it comes back, and how long that takes.
struct Window {
    Bytes bytes;
    Picoseconds back;
    Rate rate;

    Picoseconds idle() const {
        const Picoseconds full = rate.time_for(bytes);
        return back > full ? back - full : Picoseconds();
    }
    /// Of so many bytes from first to last.
    Picoseconds passage(Bytes all) const {
        return rate.time_for(all) + idle() * (all.value() > 0 ? (all.value() - 1) / bytes.value() : 0);
    }
    /// Until as many can follow.
    Picoseconds busy(Bytes all) const {
        const double share = static_cast<double>(all.value()) / static_cast<double>(bytes.value());
        return std::max(passage(all),
                        Picoseconds(static_cast<std::uint64_t>(share * static_cast<double>(back.value()))));
    }
};

/// For a transfer of so many bytes.
Window window_of(const noc::LinkConfig& link, const noc::RouterConfig& router, bool two_classes, Bytes transfer) {
    return {link.buffer * static_cast<std::uint64_t>(router.virtual_channels / (two_classes ? 2 : 1)),
            link.latency * 2 + router.latency() + router.credit, link.rate_for(transfer)};
}

Window window_of(Pace& pace, const Leg& leg, Bytes transfer) {
    const noc::NetworkConfig& network = pace.config().network;
    const noc::Route& route = pace.route(leg);
    const noc::LinkConfig& first = route.empty() ? network.link : pace.topology().links()[route.front().link].config;
    const Rate rate = first.rate_for(transfer);
    return {network.receive_buffer, pace.head(leg) + pace.head(leg.back()) + rate.time_for(network.packet), rate};
}

}  // namespace

Picoseconds Pace::on_link(std::size_t number, Bytes bytes, bool last, Bytes transfer) const {
    const noc::LinkSpec& spec = topology_.links()[number];
    const noc::LinkConfig& link = spec.config;
    if (last) return link.rate_for(transfer).time_for(bytes);
    return window_of(link, config_.network.router, topology_.two_classes(spec.network), transfer).passage(bytes);
}

Picoseconds Pace::link_busy(std::size_t number, Bytes bytes, bool last) const {
    const noc::LinkSpec& spec = topology_.links()[number];
    const noc::LinkConfig& link = spec.config;
    if (last) return link.rate_for(bytes).time_for(bytes);
    return window_of(link, config_.network.router, topology_.two_classes(spec.network), bytes).busy(bytes);
}

Picoseconds Pace::in_window(const Leg& leg, Bytes bytes, Bytes transfer) {
    return window_of(*this, leg, transfer).passage(bytes);
}
Picoseconds Pace::window_busy(const Leg& leg, Bytes bytes) { return window_of(*this, leg, bytes).busy(bytes); }

Picoseconds Pace::slowest(const Leg& leg, Bytes bytes) {
    Picoseconds slowest;
    const noc::Route& links = route(leg);
    for (const noc::Hop& hop : links) slowest = std::max(slowest, on_link(hop.link, bytes, &hop == &links.back()));
    return slowest;
}

}  // namespace tilemesh::insight
