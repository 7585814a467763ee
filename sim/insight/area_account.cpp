// SPDX-License-Identifier: Apache-2.0
// The area of a machine by its table.
#include "sim/insight/energy_account.h"

#include <fmt/format.h>

namespace tilemesh::insight {

report::AreaResult area_account(const machine::MachineConfig& machine, const noc::Topology& topology) {
    report::AreaResult area;
    if (!machine.area) return area;
    area.technology = machine.area->technology;
    const double pes = topology.pes();
    double crossing_rates = 0.0;
    for (const noc::LinkSpec& link : topology.links())
        if (link.die_to_die) crossing_rates += link.config.rate.gbytes_per_s();
    struct Line {
        const char* key;
        double count;
    };
    for (const Line& line :
         {Line{"mm2.pe", pes}, Line{"mm2_per_mac.matrix", pes * machine.pe.matrix.rows * machine.pe.matrix.cols},
          Line{"mm2_per_lane.vector", pes * machine.pe.vector.lanes},
          Line{"mm2_per_mib.sram", pes * static_cast<double>(machine.pe.sram.value()) / (1 << 20)},
          Line{"mm2_per_channel.hbm", pes * machine.hbm.geometry.channels},
          Line{"mm2_per_gbyte_per_s.die_to_die", crossing_rates}}) {
        if (line.count == 0) continue;
        const energy::Price* const price = machine.area->find(line.key);
        if (!price) {
            area.missing.push_back(
                fmt::format("machine.area.{} is missing (needed for {:.6g})", line.key, line.count));
            continue;
        }
        area.parts.push_back(
            {line.key, line.count, price->value, line.count * price->value, price->source, price->trust});
        area.mm2 += area.parts.back().mm2;
    }
    if (area.missing.empty()) return area;
    area.parts.clear();
    area.mm2 = 0.0;
    return area;
}

}  // namespace tilemesh::insight
