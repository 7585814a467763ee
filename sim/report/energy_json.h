// SPDX-License-Identifier: Apache-2.0
// The energy of a run as JSON and back. Keys carry their unit; what has no total has its "missing" and no figures.
#pragma once

#include "sim/report/result.h"

namespace tilemesh::report {

Json energy_to_json(const EnergyResult& energy);
EnergyResult read_energy(JsonReader reader);

}  // namespace tilemesh::report
