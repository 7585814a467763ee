// SPDX-License-Identifier: Apache-2.0
// Runs programs on the simulated machine: lays their tensors out, hands each PE its instances, and holds what they
// leave against what is expected and against the bounds.
#pragma once

#include "sim/run/workload.h"
#include "sim/workloads/program/panel.h"

namespace tilemesh::workloads {

class ProgramWorkload final : public run::Workload {
public:
    explicit ProgramWorkload(ProgramPanel panel) : panel_(std::move(panel)) {}

    const ProgramPanel& panel() const { return panel_; }

    std::string describe() const override;
    void check(std::size_t kernel) const override;
    void check_inputs(const std::vector<std::size_t>& kernels) const override;
    std::shared_ptr<const run::Prepared> prepare(const std::vector<std::size_t>& kernels, int threads) const override;
    std::shared_ptr<const void> launch(std::size_t kernel, const run::Prepared& prepared,
                                       machine::Target& target) const override;
    run::EntryOutcome run(std::size_t kernel, const run::Prepared& prepared, run::Wanted wanted) const override;

private:
    ProgramPanel panel_;
};

/// Claims kernels that are objects with a "program".
class ProgramKind final : public run::WorkloadKind {
public:
    std::vector<run::KernelInfo> kernels() const override { return {}; }
    bool claims(const Json& kernel) const override { return kernel.is_object() && kernel.contains("program"); }
    std::vector<Json> alternatives(const std::vector<Json>& kernels) const override;
    bool is_complete(const Json& kernel) const override;
    std::vector<run::Entry> read(JsonReader& panel, const run::Setup& setup,
                                 std::vector<JsonReader>& kernels) const override;
};

}  // namespace tilemesh::workloads
