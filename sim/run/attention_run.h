// SPDX-License-Identifier: Apache-2.0
// Runs attention kernels on the simulated machine: lays a panel's problem out on the PEs, launches the kernel,
// collects the output and holds it against the reference and the bounds.
#pragma once

#include "sim/attention/inputs.h"
#include "sim/attention/kernel.h"
#include "sim/run/entry.h"

namespace tilemesh::run {

class AttentionRunner final : public EntryRunner {
public:
    explicit AttentionRunner(attention::Kernels kernels) : kernels_(std::move(kernels)) {}

    std::vector<KernelInfo> kernels() const override;
    void check(const Panel& panel, const KernelChoice& choice) const override;
    void check_inputs(const Panel& panel) const override;
    std::shared_ptr<const Prepared> prepare(const Panel& panel, int threads) const override;
    EntryOutcome run(const Panel& panel, const KernelChoice& choice, const Prepared& prepared,
                     bool want_outputs) const override;

private:
    const attention::Kernel& find(const KernelChoice& choice) const;
    attention::Inputs::Pass pass_of(const Panel& panel) const;  // backward when any of its kernels is

    attention::Kernels kernels_;
};

}  // namespace tilemesh::run
