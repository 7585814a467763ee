// SPDX-License-Identifier: Apache-2.0
// Where packets of one network of a chip go: through one dimension of the grid after the other, in the network's
// order. The side of a ring's dateline that a packet is on decides which virtual channels it may use: side 1 from the
// link that wraps around until it turns into the other dimension, side 0 elsewhere, so that no circle of packets can
// wait for each other.
#pragma once

#include "sim/noc/flit_config.h"

#include <string>

namespace tilemesh::noc {

class FlitRoutes {
public:
    static constexpr int east = 0, west = 1, south = 2, north = 3, local = 4, outputs = 5;

    FlitRoutes(const FlitNetworkConfig& network, const GridConfig& grid) : routing_(network.routing), grid_(grid) {}

    /// The output to take at `node` for `to`; local: this is it.
    int output(int node, int to) const;
    /// The node behind an output other than local.
    int next(int node, int output) const;
    /// Does this output's link lead from one edge of the grid to the opposite one?
    bool wraps(int node, int output) const;
    /// The side of the dateline on the link behind `output`, for a packet that came over a link in the direction
    /// `input` (local: from the interface) on `side`.
    int side(int node, int input, int side, int output) const;
    /// Links between the interfaces of two nodes.
    int hops(int from, int to) const;
    /// "row 3, column 4 east"
    std::string link_name(int node, int output) const;
    /// "row 3, column 4 from its core"
    std::string port_name(int node) const;
    const GridConfig& grid() const { return grid_; }

private:
    std::vector<Way> routing_;
    GridConfig grid_;
};

}  // namespace tilemesh::noc
