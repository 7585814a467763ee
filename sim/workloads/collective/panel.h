// SPDX-License-Identifier: Apache-2.0
// The part of a panel that runs collectives between chips. configs/README.md documents every key.
#pragma once

#include "sim/base/dtype.h"
#include "sim/collective/execution.h"
#include "sim/run/workload.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::workloads {

struct CollectiveChoice {
    collective::Algorithm algorithm = collective::Algorithm::automatic;
    std::string kernel, label, where;
};

struct CollectivePanel : run::Setup {
    collective::Operation operation = collective::Operation::all_gather;
    std::uint64_t bytes = 0;  // of the whole logical tensor
    Dtype dtype = Dtype::bf16;
    collective::CollectiveConfig collectives;  // of the machine
    std::vector<CollectiveChoice> choices;

    std::uint64_t elements() const { return bytes / bytes_per_element(dtype); }
    collective::Chips chips() const;
    /// What tables run on, of this panel.
    collective::Ground ground() const;
    /// The calls that one choice makes, in their order: two for an all_reduce.
    std::vector<collective::Schedule> calls(const CollectiveChoice& choice) const;
    /// The algorithm of one of these operations, with `auto` resolved.
    collective::Algorithm algorithm(const CollectiveChoice& choice, collective::Operation call) const;
};

CollectivePanel read_collective_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels);

}  // namespace tilemesh::workloads
