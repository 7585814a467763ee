// SPDX-License-Identifier: Apache-2.0
// Is a load too much for a network? Judged from the packets that are under way, created and not yet arrived, at times
// that only the network and the load decide: what is offered arrives if and only if their number stops growing, and
// with it their latency. However long somebody measures, the verdict is the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tilemesh::probe {

/// How long a load is watched, in cycles.
struct WatchLimits {
    /// A link that is full moves so many packets in the first and in the longest watch. Random creation scatters by
    /// about the root of their number: loads a few per cent off what is possible are told apart by the first, one per
    /// cent by the longest.
    static constexpr std::uint64_t first_packets = 8000, most_packets = 64000;
    static constexpr double most_hops = 8e6;  // in the longest watch, so that large networks take seconds

    std::uint64_t first = 0, longest = 0;
    /// `latency`: of the empty network's longest path. `hops_per_cycle`: links that packets pass in a cycle at the
    /// load, all nodes together.
    static WatchLimits of(int packet_flits, double latency, double hops_per_cycle);
};

class TrafficVerdict {
public:
    TrafficVerdict(const WatchLimits& limits, int packet_flits);

    bool decided() const { return decided_; }
    bool saturated() const { return saturated_; }
    /// When look() is to be called next, in cycles from the beginning.
    std::uint64_t next_look() const { return (looks_ + 1) * spacing_; }
    /// So many packets have been created and have arrived until now.
    void look(std::uint64_t created, std::uint64_t arrived);
    /// Packets that arrived in the last three quarters of the watch, and its length in cycles.
    std::uint64_t arrived() const { return arrived_[looks - 1] - arrived_[looks / 4 - 1]; }
    std::uint64_t watched() const { return 3 * looks / 4 * spacing_; }

private:
    static constexpr std::size_t looks = 32;  // in a watch
    void judge();

    std::uint64_t longest_;
    double link_packets_per_cycle_;
    std::uint64_t spacing_;  // of the looks, in cycles
    std::size_t looks_ = 0;  // so far
    std::array<double, looks> under_way_{};
    std::array<std::uint64_t, looks> arrived_{};
    bool decided_ = false, saturated_ = false;
};

}  // namespace tilemesh::probe
