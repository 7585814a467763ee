// SPDX-License-Identifier: Apache-2.0
// Counts what costs energy in a run, by PE, link, phase and window of time. Everything is derived from the commands
// and the machine's geometry: the simulation itself does nothing for it. energy_account.h checks the counts against
// what the parts of the machine recorded.
#pragma once

#include "sim/energy/counts.h"
#include "sim/insight/energy_windows.h"
#include "sim/insight/phases.h"
#include "sim/machine/config.h"
#include "sim/noc/route_tree.h"
#include "sim/noc/topology.h"
#include "sim/pe/follower.h"

#include <deque>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace tilemesh::insight {

class EnergyMeter final : public pe::Follower {
public:
    explicit EnergyMeter(const machine::MachineConfig& machine);

    const noc::Topology& topology() const { return topology_; }
    /// Of a PE: its engines, its SRAM, its HBM slice, its router, and the links out of its router.
    const std::vector<energy::Counts>& by_pe() const { return by_pe_; }
    /// Bytes of each link.
    const std::vector<std::uint64_t>& by_link() const { return by_link_; }
    /// How many PEs a link passes: 1, and more where it wraps around a grid or goes straight to any other.
    std::uint64_t length_of(std::size_t link) const { return lengths_[link]; }
    /// Of each phase, without those within it; the first are those outside all phases.
    const std::vector<energy::Counts>& by_phase() const { return by_phase_; }
    const Phases& phases() const { return phases_; }
    EnergyWindows& windows() { return windows_; }

    void phase_begins(At at, std::span<const Phase> path) override;
    void phase_ends(At at) override;
    void issued(At at, const Command& command, Place place, Picoseconds when) override;
    void computed(int pe, const Command& command, Place place, Picoseconds begin, Picoseconds end,
                  Picoseconds ready) override;
    void began(int pe, const Command& command, Place place, Picoseconds when) override;
    void ended(int pe, const Command& command, Place place, Picoseconds when) override;

    void spent(At, std::uint64_t, Picoseconds) override {}
    void released(At, const TileRecord&, Picoseconds) override {}
    void waited(At, const TileRecord&, Picoseconds) override {}
    void drained(At, Picoseconds) override {}
    void arrived_at_barrier(At, Picoseconds) override {}
    void passed_barrier(At, Picoseconds) override {}
    void launched(At, const LaunchedWork&, Picoseconds) override {}
    void finished(At, Picoseconds) override {}
    void share_done(int, const Command&, const Share&) override {}
    void message_arrived(int, int, std::uint64_t, Picoseconds) override {}
    void freed(int, const TileRecord&, Picoseconds) override {}

private:
    /// Where and when something is spent.
    struct Spent {
        std::uint32_t phase;
        Picoseconds begin, end;
    };
    struct Pe {
        std::vector<std::vector<std::uint32_t>> phases;  // of each command processor, the innermost last
        std::vector<std::deque<std::uint32_t>> queues;   // by queue: the phases of commands that have not begun
        /// Transfers, sends and receives under way, by processor and command.
        std::map<std::pair<int, std::uint64_t>, std::pair<std::uint32_t, Picoseconds>> under_way;
    };
    std::vector<std::uint32_t>& phases_of(At at);
    std::uint32_t next_phase(int pe, Place place);
    void add(int pe, energy::Use use, std::uint64_t count, const Spent& spent);
    void add(int pe, energy::Moved moved, std::uint64_t bytes, const Spent& spent) {
        add(pe, energy::byte_of(moved), bytes, spent);
    }
    void add_vector(int pe, const Command& command, const Spent& spent);
    void add_transfer(int pe, const Command& command, const Spent& spent);
    /// Bytes of a transfer that lie in one slice; `whole` bursts of them.
    void add_share(int pe, int home, const Command& command, std::uint64_t bytes, std::uint64_t whole,
                   const Spent& spent);
    void add_route(int from, int to, int network, std::uint64_t bytes, const Spent& spent);
    void add_links(const noc::Route& route, std::uint64_t bytes, const Spent& spent);

    const machine::MachineConfig& machine_;
    noc::Topology topology_;
    std::map<std::tuple<int, int, int>, noc::Route> routes_;  // by both ends and network
    std::vector<std::uint64_t> lengths_, by_link_;
    std::vector<Pe> pes_;
    std::vector<energy::Counts> by_pe_, by_phase_;
    Phases phases_;
    EnergyWindows windows_;
};

}  // namespace tilemesh::insight
