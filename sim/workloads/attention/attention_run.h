// SPDX-License-Identifier: Apache-2.0
// Runs attention kernels on the simulated machine: lays a panel's problem out on the PEs, launches the kernel,
// collects the output and holds it against the reference and the bounds.
#pragma once

#include "sim/attention/inputs.h"
#include "sim/attention/kernel.h"
#include "sim/run/workload.h"
#include "sim/workloads/attention/panel.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace tilemesh::workloads {

struct Arrangement;

class AttentionWorkload final : public run::Workload {
public:
    /// `kernels` must outlive it.
    AttentionWorkload(AttentionPanel panel, const attention::Kernels& kernels)
        : panel_(std::move(panel)), kernels_(kernels) {}

    const AttentionPanel& panel() const { return panel_; }

    std::string describe() const override;
    void check(std::size_t kernel) const override;
    run::Bounds bounds(std::size_t kernel) const override;
    void check_inputs(const std::vector<std::size_t>& kernels) const override;
    std::shared_ptr<const run::Prepared> prepare(const std::vector<std::size_t>& kernels, int threads) const override;
    std::shared_ptr<const void> launch(std::size_t kernel, const run::Prepared& prepared,
                                       machine::Target& target) const override;
    bool fills_the_sram() const override { return true; }
    run::EntryOutcome run(std::size_t kernel, const run::Prepared& prepared, run::Wanted wanted) const override;

private:
    const attention::Kernel& find(const AttentionChoice& choice) const;
    /// Refuses what check() refuses.
    std::shared_ptr<const Arrangement> checked(std::size_t kernel) const;
    /// How the kernel sits on the machine. The last one that was asked for is kept: who checks a panel runs it next,
    /// and of many ranks it takes long.
    std::shared_ptr<const Arrangement> arranged(std::size_t kernel) const;
    attention::Inputs::Pass pass_of(const std::vector<std::size_t>& kernels) const;  // backward when any of them is

    AttentionPanel panel_;
    const attention::Kernels& kernels_;
    mutable std::size_t arranged_kernel_ = 0;
    mutable std::shared_ptr<const Arrangement> arranged_;
};

/// Claims whatever no other workload has claimed before, so that its errors say what a kernel is.
class AttentionKind final : public run::WorkloadKind {
public:
    explicit AttentionKind(attention::Kernels kernels) : kernels_(std::move(kernels)) {}

    std::vector<run::KernelInfo> kernels() const override;
    bool claims(const Json&) const override { return true; }
    std::vector<Json> alternatives(const std::vector<Json>& kernels) const override;
    std::vector<run::Entry> read(JsonReader& panel, const run::Setup& setup,
                                 std::vector<JsonReader>& kernels) const override;

private:
    attention::Kernels kernels_;
};

}  // namespace tilemesh::workloads
