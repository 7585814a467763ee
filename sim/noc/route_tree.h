// SPDX-License-Identifier: Apache-2.0
// Ways from one PE to several others, for routers that copy: the routes that messages to each of them take, what they
// begin with in common taken once. As every way through the tree is a route, packets wait for nothing that packets of
// single messages do not wait for, and no circle closes (adr/0046).
#pragma once

#include "sim/noc/topology.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tilemesh::noc {

struct RouteTree {
    struct Branch {
        Route route;                      // empty: ends where the one before it does
        std::vector<std::size_t> onward;  // branches that begin at its end, after it in the list
    };
    std::vector<Branch> branches;   // the first is the root
    std::vector<std::size_t> ends;  // by receiver: the branch on which its packets arrive; nothing goes on from there
};

/// Of at least one route; they begin with the same link, and no two are equal. Where one wraps around on the virtual
/// channels of class 1, so does what is common to it and others.
RouteTree tree_of(std::span<const Route> routes);

/// How a message to several PEs leaves one: the receivers of each copy that enters the network. Where routers copy,
/// those who are reached over the same first link, in the order of `to`; else each alone. PEs that do not exist are
/// left to whoever sends to them. `asked`: the network; -1: each goes over the one that the machine chooses.
std::vector<std::vector<std::int32_t>> injections(const NetworkConfig& network, const Topology& topology, int from,
                                                  std::span<const std::int32_t> to, int asked = -1);

}  // namespace tilemesh::noc
