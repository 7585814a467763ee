// SPDX-License-Identifier: Apache-2.0
// Lower bounds on a collective: by any schedule on the machine, and by this one.
#pragma once

#include "sim/report/result.h"
#include "sim/workloads/collective/panel.h"

namespace tilemesh::workloads {

/// The bytes that no schedule can keep off its busiest link, those that every chip reads and writes, and the way to
/// the farthest chip.
report::BoundResult machine_bound(const CollectivePanel& panel);

/// The busiest link of each call, with what a call begins and ends with; the way to the farthest chip likewise.
report::BoundResult schedule_bound(const CollectivePanel& panel, const std::vector<collective::Schedule>& calls);

}  // namespace tilemesh::workloads
