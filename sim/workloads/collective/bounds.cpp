// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/collective/bounds.h"

#include "sim/collective/execution.h"
#include "sim/noc/topology.h"
#include "sim/report/bound_terms.h"

#include <algorithm>

namespace tilemesh::workloads {
namespace {

using collective::Operation;
using report::largest_of;

Picoseconds time_at(double bytes, double gbytes_per_s) {
    return gbytes_per_s > 0.0 ? report::bound_time(bytes / gbytes_per_s) : Picoseconds();
}

Picoseconds farthest_way(const CollectivePanel& panel) {
    const collective::Chips chips = panel.chips();
    if (chips.n < 2) return {};
    const noc::Topology topology(panel.machine.network);
    const int far = chips.ring ? chips.n / 2 : chips.n - 1;
    Picoseconds way;
    for (const noc::Hop& hop : topology.route(0, far)) way += topology.links()[hop.link].config.latency;
    return way;
}

/// What a chip reads once and writes once.
double bytes_in_and_out(const CollectivePanel& panel) {
    const double whole = static_cast<double>(panel.bytes), part = whole / panel.chips().n;
    if (panel.operation == Operation::all_gather || panel.operation == Operation::reduce_scatter) return whole + part;
    return 2.0 * whole;
}

}  // namespace

report::BoundResult machine_bound(const CollectivePanel& panel) {
    const machine::MachineConfig& machine = panel.machine;
    const collective::Chips chips = panel.chips();
    const double link = static_cast<double>(
        collective::least_on_busiest_link(panel.operation, chips, panel.elements()) * bytes_per_element(panel.dtype));
    return largest_of({{"link", time_at(link, machine.network.link.rate.gbytes_per_s())},
                       {"HBM", time_at(bytes_in_and_out(panel), machine.hbm.peak().gbytes_per_s())},
                       {"latency", farthest_way(panel)}});
}

report::BoundResult schedule_bound(const CollectivePanel& panel, const std::vector<collective::Schedule>& calls) {
    Picoseconds link, hbm, latency;
    for (const collective::Schedule& call : calls) {
        std::uint64_t busiest = 0;
        for (int chip = 0; chip < call.chips.n; ++chip)
            for (const int direction : {1, -1})
                busiest = std::max(busiest, collective::elements_on_link(call, chip, direction));
        const double bytes = static_cast<double>(busiest * bytes_per_element(panel.dtype));
        const collective::CallConfig& fixed = panel.collectives.call(call.operation);
        const double rate =
            collective::payload_rate(panel.collectives, panel.machine.network, call.chips.ring).gbytes_per_s();
        link += fixed.connect + fixed.exit + time_at(bytes, rate);
        std::uint64_t through = 0;
        for (int chip = 0; chip < call.chips.n; ++chip)
            through = std::max(through, collective::elements_through_memory(call, chip));
        hbm += fixed.connect + fixed.exit +
               time_at(static_cast<double>(through * bytes_per_element(panel.dtype)),
                       panel.machine.hbm.peak().gbytes_per_s());
        latency += fixed.connect + fixed.exit + farthest_way(panel);
    }
    return largest_of({{"link", link}, {"HBM", hbm}, {"latency", latency}});
}

}  // namespace tilemesh::workloads
