// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/traffic_saturation.h"

#include <algorithm>

namespace tilemesh::probe {

Saturation find_saturation(const noc::NetworkConfig& network, const TrafficLoad& load, double carried, double arrived,
                           double too_much) {
    constexpr double gap = 0.01, least_load = 1e-6;
    TrafficLoad tried = load;
    tried.warmup_cycles = tried.drain_cycles = 0;
    tried.measured_cycles = 1;
    while (too_much - carried > gap * too_much && too_much > least_load) {
        tried.offered = (carried + too_much) / 2;
        const TrafficPoint point = run_traffic(network, tried);
        if (point.unstable) {
            too_much = tried.offered;
        } else {
            carried = tried.offered;
            arrived = point.arrived_of_watched;
        }
    }
    return {std::min(carried, arrived), carried, too_much};
}

}  // namespace tilemesh::probe
