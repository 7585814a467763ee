// SPDX-License-Identifier: Apache-2.0
// Measuring DMA transfers on the real machine: every transfer is a kernel of one load (or store) on its PE, all begin
// together, and the times are those that the recorder saw. Where the time of one went is found by comparing runs.
#pragma once

#include "sim/machine/config.h"
#include "sim/probe/dma_scenarios.h"

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace tilemesh::probe {

/// Where the time of one transfer went, in picoseconds. The parts add up to the whole exactly, by construction; one
/// can be negative when what it compares overlaps, as when competitors have opened a row.
struct DmaBreakdown {
    std::int64_t descriptor = 0;     // starting the DMA engine
    std::int64_t routers = 0;        // heads of packets through routers and links inside cubes, there and back
    std::int64_t die_to_die = 0;     // latency of crossings between cubes, there and back
    std::int64_t serialisation = 0;  // what the links' rates and packets add to that
    std::int64_t hbm = 0;            // the slice alone, and the port of the SRAM
    std::int64_t queueing = 0;       // what the other transfers add
    std::int64_t whole() const { return descriptor + routers + die_to_die + serialisation + hbm + queueing; }
};

struct DmaTimes {
    std::vector<Picoseconds> latencies;  // by transfer: from the DMA engine's start to the last byte
    Picoseconds span;                    // from the first start to the last end
};

class DmaBench {
public:
    /// `bytes` per transfer, even; `write` stores instead of loading.
    DmaBench(machine::MachineConfig config, std::uint64_t bytes, bool write);

    const noc::Topology& topology() const { return topology_; }
    /// Runs the transfers together on a fresh machine. At most one per PE.
    DmaTimes run(const std::vector<DmaTransfer>& transfers) const;
    /// Bytes over time, of the peak of all slices that the transfers use.
    double share_of_peak(const std::vector<DmaTransfer>& transfers, const DmaTimes& times) const;
    /// A transfer that took `latency` together with others: by comparing it with the same one alone; that with one
    /// local to its slice; and, for the way's latency, the same two of 64 bytes.
    DmaBreakdown breakdown(DmaTransfer transfer, Picoseconds latency);

private:
    DmaTimes run(const std::vector<DmaTransfer>& transfers, std::uint64_t bytes) const;
    std::int64_t alone(DmaTransfer transfer, std::uint64_t bytes);
    std::int64_t crossings(DmaTransfer transfer) const;  // latency of those on the way there and back

    machine::MachineConfig config_;
    noc::Topology topology_;
    std::uint64_t bytes_;
    bool write_;
    std::map<std::pair<DmaTransfer, std::uint64_t>, std::int64_t> alone_;  // measured so far
};

}  // namespace tilemesh::probe
