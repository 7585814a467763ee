// SPDX-License-Identifier: Apache-2.0
// The energy of a run: what a meter counted times the prices of the machine's table, and static power times the run's
// time. No price is assumed: where one is missing for what was done, there is no total, and the result says which.
#pragma once

#include "sim/insight/energy_meter.h"
#include "sim/machine/config.h"
#include "sim/report/result.h"

namespace tilemesh::insight {

/// Of a run on that machine, which has a table. `result` has its time and the machine's components. InternalError
/// when these moved or computed anything else than was counted, or the sums of the account differ by more than
/// rounding (1e-9 of the whole).
report::EnergyResult energy_account(EnergyMeter& meter, const machine::MachineConfig& machine,
                                    const report::KernelResult& result);

/// mm2 of the machine by its table; without parts when it has none.
report::AreaResult area_account(const machine::MachineConfig& machine, const noc::Topology& topology);

}  // namespace tilemesh::insight
