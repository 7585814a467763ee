// SPDX-License-Identifier: Apache-2.0
// A list of transfers through the network of a machine: each begins at its time and after those it depends on, and
// what there is no room for on the links waits. For traffic that was recorded elsewhere.
#pragma once

#include "sim/noc/config.h"

#include <cstdint>
#include <vector>

namespace tilemesh::probe {

struct ListedTransfer {
    int source = 0, destination = 0;
    Bytes bytes;
    Picoseconds start;                 // not before
    std::vector<std::size_t> after{};  // nor before these (by place in the list) have arrived
};

struct TransferTimes {
    Picoseconds begun, arrived;
    int waited_for = -1;  // the transfer whose arrival let it begin; -1: none, its own time did
};

struct TransfersResult {
    std::vector<TransferTimes> times;  // by place in the list
    std::vector<Bytes> link_bytes;     // by link
    Picoseconds end;
    /// The transfers that the end waited for, first to last.
    std::vector<std::size_t> critical_chain() const;
};

/// InternalError when something never arrives.
TransfersResult run_transfers(const noc::NetworkConfig& network, const std::vector<ListedTransfer>& transfers);

}  // namespace tilemesh::probe
