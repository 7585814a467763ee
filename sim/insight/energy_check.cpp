// SPDX-License-Identifier: Apache-2.0
// What an account of energy may not get wrong, whatever the kernel: it counts what the machine recorded, and sums up.
#include "sim/base/error.h"
#include "sim/insight/energy_sums.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tilemesh::insight {
namespace {

using energy::Moved;

void check_count(const report::ComponentResult& part, std::uint64_t recorded, std::uint64_t counted) {
    if (recorded == counted) return;
    fail<InternalError>("energy: {} recorded {} and {} were counted", part.path, recorded, counted);
}

std::uint64_t sum_of(const energy::Counts& counts, energy::Use first, energy::Use end) {
    std::uint64_t sum = 0;
    for (energy::Use use = first; use < end; ++use) sum += counts.of[use];
    return sum;
}

}  // namespace

void check_counts(const EnergyMeter& meter, const report::KernelResult& result) {
    const noc::Topology& topology = meter.topology();
    std::map<std::string, const energy::Counts*> pes;
    std::map<std::string, std::uint64_t> links;
    for (int pe = 0; pe < topology.pes(); ++pe) {
        const energy::Counts& counts = meter.by_pe()[static_cast<std::size_t>(pe)];
        const std::string path = "machine." + topology.pe_name(pe);
        for (const char* part : {".matrix", ".vector"}) pes[path + part] = &counts;
        pes[fmt::format("machine.cube{}.hbm{}", pe / topology.pes_per_cube(), pe % topology.pes_per_cube())] =
            &counts;
    }
    for (std::size_t i = 0; i < topology.links().size(); ++i)
        links["machine." + topology.links()[i].name] = meter.by_link()[i];
    constexpr energy::Use elements = energy::element_of(static_cast<Opcode>(0));
    constexpr energy::Use bytes = energy::byte_of(static_cast<Moved>(0));
    for (const report::ComponentResult& part : result.components) {
        if (part.kind == "matrix") check_count(part, part.work, sum_of(*pes.at(part.path), 0, elements));
        if (part.kind == "vector") check_count(part, part.work, sum_of(*pes.at(part.path), elements, bytes));
        if (part.kind == "hbm") {
            const energy::Counts& counts = *pes.at(part.path);
            check_count(part, part.bytes.value(),
                        counts.of[energy::byte_of(Moved::hbm_read)] + counts.of[energy::byte_of(Moved::hbm_write)]);
        }
        if (part.kind == "link") check_count(part, part.bytes.value(), links.at(part.path));
    }
}

void check_sums(const report::EnergyResult& energy, Picoseconds time) {
    constexpr double rounding = 1e-9;
    double parts = 0.0, phases = 0.0, windows = 0.0;
    for (const report::EnergyPart& part : energy.parts) parts += part.joules;
    for (const report::EnergyPhase& phase : energy.phases) phases += phase.joules;
    Picoseconds at;
    for (const double watts : energy.power_w) {
        windows += watts * to_seconds(std::min(energy.window, time - at));
        at += energy.window;
    }
    if (energy.power_w.empty()) windows = energy.joules;
    for (const double sum : {parts, phases, windows})
        if (std::abs(sum - energy.joules) > rounding * energy.joules)
            fail<InternalError>("energy: parts sum up to {} J, phases to {} J and windows to {} J of {} J", parts,
                                phases, windows, energy.joules);
}

}  // namespace tilemesh::insight
