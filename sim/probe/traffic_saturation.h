// SPDX-License-Identifier: Apache-2.0
// The load at which a network saturates: the largest that it carries, found by halving the gap between a load that it
// carries and one that is too much.
#pragma once

#include "sim/probe/traffic_run.h"

namespace tilemesh::probe {

/// In flits per node and cycle.
struct Saturation {
    double load = 0.0;      // what arrived of the largest load that was carried, or that load, whichever is less
    double carried = 0.0;   // the largest offered load that was carried; 0: none was
    double too_much = 0.0;  // the smallest that was not; at most 1 % more than what was carried
};

/// `too_much` is known not to be carried. `carried` is a smaller load that is, of which `arrived` arrived; 0: none is
/// known, and the search begins at ever smaller ones.
Saturation find_saturation(const noc::NetworkConfig& network, const TrafficLoad& load, double carried, double arrived,
                           double too_much);

}  // namespace tilemesh::probe
