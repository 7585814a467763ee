// SPDX-License-Identifier: Apache-2.0
// Energy, power and area for the terminal: columns of a panel's table, and what stands below it.
#pragma once

#include "sim/report/result.h"

#include <string>

namespace tilemesh::report {

/// Did any kernel of the panel account for its energy?
bool has_energy(const PanelResult& panel);
/// With three to four digits and a unit: "86.4 mJ".
std::string joules_in_words(double joules);
/// Of the fastest kernel that has an account: where its energy went, power over time, per query token, the limits of
/// power that it exceeds (cautions name the other kernels); what is missing for a total; the machine's area.
std::string energy_text(const PanelResult& panel);

}  // namespace tilemesh::report
