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

/// What crosses that link, each transfer as many bytes as the link could move in its time.
double full_rate_bytes(const CollectivePanel& panel, const collective::Schedule& call, int chip, int direction) {
    const noc::LinkConfig& link = panel.machine.network.link;
    double all = 0.0;
    for (const collective::Row& row : call.rows) {
        if (row.direction != direction || !call.crosses(row, chip)) continue;
        const Bytes bytes(row.range.size * bytes_per_element(panel.dtype));
        const double share = link.rate_for(bytes).gbytes_per_s() / link.rate.gbytes_per_s();
        all += static_cast<double>(bytes.value()) / share;
    }
    return all;
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
    return largest_of({{"link", time_at(link, machine.network.link.best_rate().gbytes_per_s())},
                       {"HBM", time_at(bytes_in_and_out(panel), machine.hbm.peak().gbytes_per_s())},
                       {"latency", farthest_way(panel)}});
}

report::BoundResult schedule_bound(const CollectivePanel& panel, const std::vector<collective::Schedule>& calls) {
    Picoseconds link, hbm, latency;
    for (const collective::Schedule& call : calls) {
        double busiest = 0.0;  // bytes at the links' whole rate
        for (int chip = 0; chip < call.chips.n; ++chip)
            for (const int direction : {1, -1})
                busiest = std::max(busiest, full_rate_bytes(panel, call, chip, direction));
        const collective::CallConfig& fixed = panel.collectives.call(call.operation);
        const double rate =
            collective::payload_rate(panel.collectives, panel.machine.network, call.chips.ring).gbytes_per_s();
        link += fixed.connect + fixed.exit + time_at(busiest, rate);
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
