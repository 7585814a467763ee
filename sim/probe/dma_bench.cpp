// SPDX-License-Identifier: Apache-2.0
// Running transfers and taking their time apart.
#include "sim/probe/dma_bench.h"

#include "sim/base/error.h"
#include "sim/machine/simulation.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tilemesh::probe {
namespace {

constexpr std::uint64_t element_bytes = 2;  // tensors of f16
constexpr std::uint64_t short_bytes = 64;   // a burst of any HBM: its time is the way's latency, not its rate

}  // namespace

DmaBench::DmaBench(machine::MachineConfig config, std::uint64_t bytes, bool write)
    : config_(std::move(config)), topology_(config_.network), bytes_(bytes), write_(write) {}

DmaTimes DmaBench::run(const std::vector<DmaTransfer>& transfers) const { return run(transfers, bytes_); }

DmaTimes DmaBench::run(const std::vector<DmaTransfer>& transfers, std::uint64_t bytes) const {
    machine::Simulation simulation(config_);
    const Shape shape{static_cast<std::int64_t>(bytes / element_bytes)};
    for (const DmaTransfer& transfer : transfers) {
        Tensor& tensor = simulation.allocate(transfer.home, "probed", shape, Dtype::f16);
        const auto text = [this, &tensor, shape](tl::Context& tl) {
            if (write_) {
                tl.store(tl::at(tensor), tl.zeros(shape, Dtype::f16));
            } else {
                tl.wait(tl.load(tl::at(tensor), shape));
            }
        };
        simulation.launch(transfer.pe, "dma_probe", text, ValueMode::none);
    }
    const machine::Outcome outcome = simulation.run();
    std::map<std::string, std::size_t> by_path;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) by_path[outcome.components[i].path] = i;
    DmaTimes times;
    Picoseconds first = Picoseconds::max(), last;
    for (const DmaTransfer& transfer : transfers) {
        const std::string engine = simulation.machine().path_of(transfer.pe) + (write_ ? ".dma_store" : ".dma_load");
        const machine::Totals& totals = outcome.totals[by_path.at(engine)];
        if (totals.activities != 1)
            fail<InternalError>("{} recorded {} transfers, expected 1", engine, totals.activities);
        times.latencies.push_back(totals.last_end - totals.first_begin);
        first = std::min(first, totals.first_begin);
        last = std::max(last, totals.last_end);
    }
    times.span = last - first;
    return times;
}

double DmaBench::share_of_peak(const std::vector<DmaTransfer>& transfers, const DmaTimes& times) const {
    std::set<int> slices;
    for (const DmaTransfer& transfer : transfers) slices.insert(transfer.home);
    const double bytes = static_cast<double>(bytes_) * static_cast<double>(transfers.size());
    return bytes / to_nanoseconds(times.span) /
           (config_.hbm.peak().gbytes_per_s() * static_cast<double>(slices.size()));
}

std::int64_t DmaBench::alone(DmaTransfer transfer, std::uint64_t bytes) {
    const auto key = std::make_pair(transfer, bytes);
    const auto known = alone_.find(key);
    if (known != alone_.end()) return known->second;
    return alone_[key] = static_cast<std::int64_t>(run({transfer}, bytes).latencies.front().value());
}

std::int64_t DmaBench::crossings(DmaTransfer transfer) const {
    std::int64_t latency = 0;
    for (const auto& [from, to] : {std::pair(transfer.pe, transfer.home), std::pair(transfer.home, transfer.pe)}) {
        for (const noc::Hop& hop : topology_.route(from, to)) {
            const noc::LinkSpec& link = topology_.links()[hop.link];
            if (link.die_to_die) latency += static_cast<std::int64_t>(link.config.latency.value());
        }
    }
    return latency;
}

DmaBreakdown DmaBench::breakdown(DmaTransfer transfer, Picoseconds latency) {
    const DmaTransfer local{transfer.home, transfer.home};
    const std::uint64_t brief = std::min(bytes_, short_bytes);
    const std::int64_t whole_alone = alone(transfer, bytes_), local_alone = alone(local, bytes_);
    const std::int64_t way = alone(transfer, brief) - alone(local, brief);
    DmaBreakdown parts;
    parts.descriptor = static_cast<std::int64_t>(config_.pe.clock.time_for(config_.pe.dma.descriptor_cycles).value());
    parts.die_to_die = crossings(transfer);
    parts.routers = way - parts.die_to_die;
    parts.hbm = local_alone - parts.descriptor;
    parts.serialisation = whole_alone - local_alone - way;
    parts.queueing = static_cast<std::int64_t>(latency.value()) - whole_alone;
    return parts;
}

}  // namespace tilemesh::probe
