// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/pace.h"

#include "sim/noc/network.h"

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

std::pair<noc::Route, Picoseconds>& Pace::way(int from, int to) {
    const auto [found, is_new] = ways_.try_emplace({from, to});
    if (is_new) {
        found->second.first = topology_.route(from, to);
        found->second.second = noc::head_latency(config_.network, topology_, found->second.first);
    }
    return found->second;
}

Picoseconds Pace::head(int from, int to) { return way(from, to).second; }
const noc::Route& Pace::route(int from, int to) { return way(from, to).first; }

}  // namespace tilemesh::insight
