// SPDX-License-Identifier: Apache-2.0
// Small machines for tests of the language: the ideal line, and one whose times can be worked out in the head. Also
// how to run kernels on them and what a run recorded.
#pragma once

#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "sim/machine/simulation.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tilemesh::test {

using Change = std::function<void(Json&)>;

/// configs/machines/ideal_line.json after `change` has had its way with it.
machine::MachineConfig ideal_line(const Change& change = {});

/// The ideal line slowed down to round numbers: a dot takes m * n * k ns, a vector operation 1 ns per element, HBM
/// and links move 1 byte per ns in bursts of 64 bytes and packets of 256. Nothing else takes time.
machine::MachineConfig counting_line(const Change& change = {});

/// Kernels by PE. A run launches each and goes to its end.
using Kernels = std::map<int, pe::KernelText>;
machine::Outcome run_kernels(const machine::MachineConfig& config, const Kernels& kernels,
                             ValueMode values = ValueMode::none, machine::SimulationOptions options = {});

/// The message of the KernelError that running these kernels ends in; empty when it does not.
std::string failure_of(const machine::MachineConfig& config, const Kernels& kernels,
                       ValueMode values = ValueMode::none);

/// When the tile is complete, in ns. The kernel waits for it.
inline double ready_ns(tl::Context& tl, const Tile& tile) {
    tl.wait(tile);
    return to_nanoseconds(tile.record().ready);
}

/// Lets the kernel stand still for `ns` on the counting line: a vector operation on so many elements.
inline void pause_ns(tl::Context& tl, std::int64_t ns) { tl.wait(tl.zeros({ns})); }

}  // namespace tilemesh::test
