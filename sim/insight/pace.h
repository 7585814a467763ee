// SPDX-License-Identifier: Apache-2.0
// How long the parts of a machine take for a command, a transfer or a message when nothing else is in the way: the
// same figures that the simulation is built on, for the machine that is measured and for those estimated beside it.
#pragma once

#include "sim/machine/config.h"
#include "sim/memory/service_profile.h"
#include "sim/noc/topology.h"
#include "sim/pe/cost.h"
#include "sim/tile/command.h"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <utility>

namespace tilemesh::insight {

/// From a PE to another over a network.
struct Leg {
    int from, to, network;
    Leg back() const { return {to, from, network}; }
    auto operator<=>(const Leg&) const = default;
};

class Pace {
public:
    explicit Pace(const machine::MachineConfig& config);
    Pace(const Pace&) = delete;
    Pace& operator=(const Pace&) = delete;

    const machine::MachineConfig& config() const { return config_; }
    Picoseconds issue() const { return config_.pe.clock.time_for(config_.pe.issue_cycles); }
    Picoseconds instructions(std::uint64_t count) const {
        return config_.pe.clock.time_for(config_.pe.integer_cycles) * count;
    }
    Picoseconds descriptor() const { return config_.pe.clock.time_for(config_.pe.dma.descriptor_cycles); }
    Picoseconds sram_port(Bytes bytes) const { return sram_port_.time_for(bytes); }
    /// Of the matrix or vector engine, until it can begin the next command and until the result is there.
    struct Work {
        Picoseconds occupancy, latency;
    };
    Work work(const Command& command, double units_at_work) const;

    /// Of a slice: until the first byte, and for all bytes at the rate that runs of so many consecutive ones have.
    struct Access {
        Picoseconds lead, payload;
    };
    Access access(Bytes bytes, Bytes run, bool write);
    /// When data of a slice has come that begins to come then: refreshes come at their times, whatever is under way,
    /// and what is fetched comes out of the slice later by its latency.
    Picoseconds after_refreshes(Picoseconds begin, Picoseconds work) const {
        const Picoseconds outside = std::min(begin, config_.hbm.access_latency);
        return profile_.after_refreshes(begin - outside, work) + outside;
    }

    /// Of an empty network: a head's way, all routers and wires included.
    Picoseconds head(const Leg& leg) { return way(leg).second; }
    const noc::Route& route(const Leg& leg) { return way(leg).first; }
    /// Of bytes behind each other on one link of a route: at its rate and, where a router follows, no faster than the
    /// credits of its buffers come back.
    Picoseconds on_link(std::size_t link, Bytes bytes, bool last) const { return on_link(link, bytes, last, bytes); }
    /// The same for a part of a transfer, whose size decides about the rate.
    Picoseconds on_link(std::size_t link, Bytes bytes, bool last, Bytes transfer) const;
    /// How long such bytes keep others from it: not less, and as long as their credits take where a router follows.
    Picoseconds link_busy(std::size_t link, Bytes bytes, bool last) const;
    /// The same for messages on a route, as long as the credits of the receiver's room take, who takes them at once.
    Picoseconds in_window(const Leg& leg, Bytes bytes) { return in_window(leg, bytes, bytes); }
    Picoseconds in_window(const Leg& leg, Bytes bytes, Bytes transfer);
    Picoseconds window_busy(const Leg& leg, Bytes bytes);
    /// Of its bytes on the slowest of the links of a route.
    Picoseconds slowest(const Leg& leg, Bytes bytes);
    const noc::Topology& topology() const { return topology_; }

private:
    const machine::MachineConfig config_;
    Rate sram_port_;
    noc::Topology topology_;
    memory::ServiceProfile profile_;
    std::map<Leg, std::pair<noc::Route, Picoseconds>> ways_;
    std::pair<noc::Route, Picoseconds>& way(const Leg& leg);
};

}  // namespace tilemesh::insight
