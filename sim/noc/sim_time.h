// SPDX-License-Identifier: Apache-2.0
// The bridge between our picoseconds and SystemC's time (whose resolution is one picosecond).
#pragma once

#include "sim/base/units.h"

#include <systemc>

namespace tilemesh {

inline Picoseconds simulated_now() { return Picoseconds(sc_core::sc_time_stamp().value()); }
inline sc_core::sc_time to_sc_time(Picoseconds t) { return sc_core::sc_time::from_value(t.value()); }

}  // namespace tilemesh
