// SPDX-License-Identifier: Apache-2.0
// Prices, what is missing, and the account by key, part and phase. Power over time is in energy_power.cpp, area in
// area_account.cpp, what is checked against the machine's own records in energy_check.cpp.
#include "sim/insight/energy_account.h"

#include "sim/insight/energy_sums.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tilemesh::insight {
namespace {

using energy::Counts;
using energy::Moved;
using energy::Use;
using report::EnergyResult;

constexpr std::size_t most_phases = 256;  // in a result

std::string with_commas(double count) {
    std::string digits = fmt::format("{:.0f}", count);
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return digits;
}

/// Looks prices up, and remembers which are missing.
class Prices {
public:
    Prices(const energy::Table& table, std::vector<std::string>& missing) : table_(table), missing_(missing) {}
    energy::Price of(const std::string& key, double count, std::string_view unit) {
        if (const energy::Price* const price = table_.find(key)) return *price;
        missing_.push_back(
            fmt::format("machine.energy.{} is missing (needed for {} {})", key, with_commas(count), unit));
        return {};
    }

private:
    const energy::Table& table_;
    std::vector<std::string>& missing_;
};

report::EnergyUse use_of(const std::string& key, std::string_view kind, std::string_view unit, double count,
                         const energy::Price& price) {
    return {key, std::string(kind), std::string(unit), count, price.value, 0.0, price.source, price.trust};
}

/// Dynamic energy by key, and what each count costs.
void price_uses(const Counts& total, Prices& prices, EnergyResult& energy, EnergySums& sums) {
    for (Use use = 0; use < energy::uses; ++use) {
        if (total.of[use] == 0) continue;
        const auto count = static_cast<double>(total.of[use]);
        const std::string key = energy::key_of(use);
        const energy::Price price = prices.of(key, count, energy::unit_of(use));
        report::EnergyUse line = use_of(key, energy::kind_of(use), energy::unit_of(use), count, price);
        sums.pj[use] = price.value;
        if (use == energy::byte_of(Moved::link)) {
            const energy::Price pitch = prices.of("mm.pe_pitch", count, energy::unit_of(use));
            line.count *= pitch.value;
            line.unit = "bytes times mm";
            line.source += fmt::format("; {} mm from PE to PE: {}", pitch.value, pitch.source);
            sums.pj[use] *= pitch.value;
        }
        line.joules = count * sums.pj[use] * 1e-12;
        energy.uses.push_back(std::move(line));
    }
}

/// Static power by key; `sums` gets it by part.
void price_static(const machine::MachineConfig& machine, const noc::Topology& topology, double seconds,
                  Prices& prices, EnergyResult& energy, EnergySums& sums) {
    const double pes = topology.pes(), mib = static_cast<double>(machine.pe.sram.value()) / (1 << 20);
    double crossings = 0;
    for (const noc::LinkSpec& link : topology.links()) crossings += link.die_to_die ? 1 : 0;
    struct Line {
        const char* key;
        const char* unit;
        double parts;
        double* watts;
        double each;  // of a part, in the unit of the key
    };
    for (const Line& line : {Line{"watts.pe", "PEs", pes, &sums.pe_w, 1.0},
                             Line{"watts_per_mib.sram", "MiB of SRAM", pes * mib, &sums.sram_w, mib},
                             Line{"watts.hbm", "HBM slices", pes, &sums.hbm_w, 1.0},
                             Line{"watts.die_to_die", "links between dies", crossings, &sums.die_to_die_w, 1.0}}) {
        if (line.parts == 0) continue;
        const energy::Price price = prices.of(line.key, line.parts, line.unit);
        energy.uses.push_back(use_of(line.key, "static", line.unit, line.parts, price));
        energy.uses.back().joules = line.parts * price.value * seconds;
        energy.static_joules += energy.uses.back().joules;
        *line.watts = price.value * line.each;
    }
}

void add_part(EnergyResult& energy, std::string path, const char* kind, double joules) {
    if (joules > 0.0) energy.parts.push_back({std::move(path), kind, joules});
}

void list_parts(const EnergyMeter& meter, double seconds, const EnergySums& sums, EnergyResult& energy) {
    const noc::Topology& topology = meter.topology();
    for (int pe = 0; pe < topology.pes(); ++pe) {
        const Counts& counts = meter.by_pe()[static_cast<std::size_t>(pe)];
        const std::string path = "machine." + topology.pe_name(pe);
        const auto joules = [&](std::string_view kind) { return 1e-12 * sums.picojoules_of(counts, kind); };
        add_part(energy, path, "pe", sums.pe_w * seconds);
        add_part(energy, path + ".matrix", "matrix", joules("matrix"));
        add_part(energy, path + ".vector", "vector", joules("vector"));
        add_part(energy, path + ".sram", "sram", joules("sram") + sums.sram_w * seconds);
        add_part(energy, path + ".router", "router", joules("router"));
        const std::string slice =
            fmt::format("machine.cube{}.hbm{}", pe / topology.pes_per_cube(), pe % topology.pes_per_cube());
        add_part(energy, slice, "hbm", joules("hbm") + sums.hbm_w * seconds);
    }
    for (std::size_t i = 0; i < topology.links().size(); ++i) {
        const noc::LinkSpec& link = topology.links()[i];
        const bool port = link.role != noc::LinkRole::routers;
        const Moved moved = port ? Moved::port : link.die_to_die ? Moved::die_to_die : Moved::link;
        const std::uint64_t times = moved == Moved::link ? meter.length_of(i) : 1;
        const double dynamic = static_cast<double>(meter.by_link()[i] * times) * sums.pj[energy::byte_of(moved)];
        const double standing = link.die_to_die ? sums.die_to_die_w * seconds : 0.0;
        add_part(energy, "machine." + link.name,
                 port              ? "port"
                 : link.die_to_die ? "die_to_die"
                                   : "link",
                 1e-12 * dynamic + standing);
    }
}

/// Each phase, down to the level at which there would be too many.
void list_phases(const EnergyMeter& meter, const EnergySums& sums, EnergyResult& energy) {
    const Phases& phases = meter.phases();
    std::size_t deepest = 0;
    for (std::uint32_t phase = 1; phase < phases.size(); ++phase) deepest = std::max(deepest, phases.level(phase));
    std::map<std::uint32_t, Counts> groups;
    for (std::size_t level = deepest + 1; level-- > 0;) {
        groups.clear();
        for (std::uint32_t phase = 0; phase < meter.by_phase().size(); ++phase) {
            std::uint32_t group = phase;
            while (group != Phases::none && phases.level(group) > level) group = phases.parent(group);
            groups[group] += meter.by_phase()[phase];
        }
        if (groups.size() <= most_phases) break;
    }
    for (const auto& [phase, counts] : groups) {
        const double joules = 1e-12 * sums.picojoules(counts);
        if (joules > 0.0) energy.phases.push_back({phases.path(phase), joules});
    }
    if (energy.static_joules > 0.0) energy.phases.push_back({"static power", energy.static_joules});
}

}  // namespace

EnergyResult energy_account(EnergyMeter& meter, const machine::MachineConfig& machine,
                            const report::KernelResult& result) {
    check_counts(meter, result);
    EnergyResult energy;
    energy.technology = machine.energy->technology;
    energy.area = area_account(machine, meter.topology());
    Counts total;
    for (const Counts& counts : meter.by_pe()) total += counts;
    Prices prices(*machine.energy, energy.missing);
    EnergySums sums;
    const double seconds = to_seconds(result.time);
    price_uses(total, prices, energy, sums);
    price_static(machine, meter.topology(), seconds, prices, energy, sums);
    if (!energy.has_total()) {
        energy.uses.clear();
        energy.static_joules = 0.0;
        return energy;
    }
    for (const report::EnergyUse& use : energy.uses) energy.joules += use.joules;
    list_parts(meter, seconds, sums, energy);
    list_phases(meter, sums, energy);
    energy.energy_delay_js = energy.joules * seconds;
    if (result.time > Picoseconds()) power_over_time(meter, machine, result.time, sums, energy);
    check_sums(energy, result.time);
    return energy;
}

}  // namespace tilemesh::insight
