// SPDX-License-Identifier: Apache-2.0
// What stands behind the interfaces of a chip's nodes, for all networks together: the memory of a core, or a memory
// controller or link off the chip (chip_devices.h), which may have several nodes as its ports. It paces the payload
// that goes in and out, and says when a request's answer is there.
#pragma once

#include "sim/base/ring_queue.h"
#include "sim/noc/flit_config.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace tilemesh::noc {

/// Something that moves so many units a cycle. What begins within a cycle goes in it, and what is left of one counts
/// for the next: n units take n over the rate, rounded down to a cycle.
class Pace {
public:
    explicit Pace(double per_cycle = 0.0) : per_cycle_(per_cycle) {}  // 0: as many as ask
    bool free(Cycle now) const { return per_cycle_ == 0.0 || next_ < static_cast<double>(now + 1) - 1e-9; }
    /// When it may be free again, a cycle early or in time; `otherwise`: it is.
    Cycle free_from(Cycle now, Cycle otherwise) const {
        return free(now) ? otherwise : std::max(static_cast<Cycle>(next_), now + 2) - 1;
    }
    void take(double units, Cycle now) {
        if (per_cycle_ > 0.0) next_ = std::max(next_, static_cast<double>(now)) + units / per_cycle_;
    }

private:
    double per_cycle_;
    double next_ = 0.0;  // when it can begin with the next unit
};

class NodeMemories {
public:
    static constexpr Cycle never = std::numeric_limits<Cycle>::max();
    enum Direction : std::uint8_t { in, out };

    explicit NodeMemories(const ChipNetworks& chip);

    bool is_core(int node) const { return of_node_[at(node)] < cores_; }
    /// Can a flit of payload go in or out of this node in this cycle?
    bool free(int node, Direction way, Cycle now) const { return of(node).paces[pace_of(node, way)].free(now); }
    void move(int node, Direction way, Bytes flit, Cycle now);
    /// When it may next be free where it is not; never: it is, both ways.
    Cycle free_from(int node, Cycle now) const {
        return std::min(of(node).paces[in].free_from(now, never), of(node).paces[out].free_from(now, never));
    }

    /// A request is there from `when` on, at a node that is no core; its number.
    std::uint32_t come(int node, Cycle when);
    /// When it is begun with; never: not before another is answered.
    Cycle begins(std::uint32_t request) const { return begins_[request]; }
    Cycle answer_is_there(int node, std::uint32_t request) const;
    /// Its answer has left.
    void answered(int node, std::uint32_t request, Cycle now);

    /// Of a device.
    struct Moved {
        std::uint64_t flits_in = 0, flits_out = 0;
        double busy = 0.0;  // cycles at its rate in the direction that took longer; 0: it has no rate
        Cycle waited = 0;   // of all requests, until they were begun with
        std::uint64_t requests = 0;
    };
    /// By its place in the configuration.
    const Moved& moved(std::size_t device) const { return memories_[cores_ + device].moved; }

private:
    struct Waiting {
        std::uint32_t request;
        Cycle since;
    };
    struct Memory {
        Pace paces[2];
        std::uint64_t open = 0;
        RingQueue<Waiting> waiting;  // in the order in which they came
        Moved moved;
        double busy[2] = {0.0, 0.0};
    };

    static std::size_t at(int node) { return static_cast<std::size_t>(node); }
    const Memory& of(int node) const { return memories_[of_node_[at(node)]]; }
    const DeviceConfig& config(int node) const { return chip_.devices[of_node_[at(node)] - cores_]; }
    /// A link has a pace each way, everything else one for both.
    std::size_t pace_of(int node, Direction way) const {
        return !is_core(node) && config(node).kind == DeviceConfig::Kind::link ? way : 0;
    }

    const ChipNetworks& chip_;
    std::size_t cores_;                 // memories of cores stand first, one for each node of the grid
    std::vector<std::size_t> of_node_;  // place of its memory
    std::vector<Memory> memories_;
    std::vector<Cycle> begins_;
    std::vector<std::uint32_t> free_requests_;
};

}  // namespace tilemesh::noc
