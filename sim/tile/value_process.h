// SPDX-License-Identifier: Apache-2.0
// Settings of a process that computes values. Simulations are parallel by process, one per entry.
#pragma once

namespace tilemesh {

/// From now on this thread's matrix products use one core (oneDNN would take all), and memory of freed tiles is kept
/// for the next ones instead of going back to the system page by page.
void prepare_process_for_values();

}  // namespace tilemesh
