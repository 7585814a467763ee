// SPDX-License-Identifier: Apache-2.0
// What the parts of an account of energy share: prices by count and static power by part, and what is made of them.
#pragma once

#include "sim/insight/energy_meter.h"
#include "sim/report/result.h"

#include <array>
#include <string_view>

namespace tilemesh::insight {

struct EnergySums {
    std::array<double, energy::uses> pj{};                             // of each count
    double pe_w = 0.0, sram_w = 0.0, hbm_w = 0.0, die_to_die_w = 0.0;  // of each PE, slice and link

    double picojoules(const energy::Counts& counts) const {
        double sum = 0.0;
        for (energy::Use use = 0; use < energy::uses; ++use) sum += static_cast<double>(counts.of[use]) * pj[use];
        return sum;
    }
    /// Of parts of that kind.
    double picojoules_of(const energy::Counts& counts, std::string_view kind) const {
        double sum = 0.0;
        for (energy::Use use = 0; use < energy::uses; ++use)
            if (counts.of[use] > 0 && energy::kind_of(use) == kind)
                sum += static_cast<double>(counts.of[use]) * pj[use];
        return sum;
    }
};

/// Average and peak power, power of each window, and the limits of the machine.
void power_over_time(EnergyMeter& meter, const machine::MachineConfig& machine, Picoseconds time,
                     const EnergySums& sums, report::EnergyResult& energy);

/// Every engine, link and slice recorded as much as the meter counted, or InternalError.
void check_counts(const EnergyMeter& meter, const report::KernelResult& result);
/// Parts, phases and windows sum up to the whole, apart from rounding, or InternalError.
void check_sums(const report::EnergyResult& energy, Picoseconds time);

}  // namespace tilemesh::insight
