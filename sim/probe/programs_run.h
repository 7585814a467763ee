// SPDX-License-Identifier: Apache-2.0
// Programs of processors on the networks of a chip, in a closed loop: each issues its reads and writes one after the
// other, as fast as its own gaps, its limit and the networks let it, and waits at barriers for what it has issued.
#pragma once

#include "sim/noc/node_memory.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::probe {

struct ProgramStep {
    enum class Kind : std::uint8_t { read, write, barrier };
    Kind kind = Kind::read;
    int node = 0;        // read from, written to
    Bytes bytes;         // moved
    noc::Cycle gap = 0;  // not before so long after the step before was issued (a barrier: had ended), or the start
    std::optional<int> network{};  // by place; none: the program's
    enum class Awaited : std::uint8_t { all, reads, writes };
    Awaited awaited = Awaited::all;  // by a barrier
};

struct Program {
    std::string id;
    int node = 0;
    int network = 0;  // by place
    noc::Cycle start = 0;
    std::uint64_t outstanding = 0;  // reads and writes under way at most; 0: no limit
    std::vector<ProgramStep> steps;
};

/// When a step was issued and was over: data had arrived, a write was acknowledged, a barrier was left.
struct StepTimes {
    noc::Cycle begun = 0, ended = 0;
};

struct LinkFlits {
    std::string name;  // "noc0: row 1, column 2 east"
    std::uint64_t flits = 0;
    double per_cycle = 1.0;  // that it can move
    double busy_cycles() const { return static_cast<double>(flits) / per_cycle; }
};

struct ProgramsResult {
    std::vector<std::vector<StepTimes>> steps;  // by program, then step
    std::vector<LinkFlits> links;               // those that moved any; ports out of nodes where slower than links
    std::vector<noc::NodeMemories::Moved> devices;  // of the chip, in their order
    noc::Cycle end = 0;
};

/// InternalError when something never arrives.
ProgramsResult run_programs(const noc::ChipNetworks& chip, const std::vector<Program>& programs);

}  // namespace tilemesh::probe
