// SPDX-License-Identifier: Apache-2.0
// A simulator for tests of everything around the simulator: its panels are those of attention, its kernels do at once
// what real ones do rarely.
#pragma once

#include "sim/run/panel.h"
#include "sim/workloads/attention/panel.h"

namespace tilemesh {

class FakeKind : public run::WorkloadKind {
public:
    std::vector<run::KernelInfo> kernels() const override;
    bool claims(const Json&) const override { return true; }
    std::vector<run::Entry> read(JsonReader& panel, const run::Setup& setup,
                                 std::vector<JsonReader>& kernels) const override;
};

/// The fake alone.
run::Workloads fake_workloads();

/// The attention part of a panel that the fake has read.
const workloads::AttentionPanel& attention_of(const run::Panel& panel);

}  // namespace tilemesh
