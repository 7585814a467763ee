// SPDX-License-Identifier: Apache-2.0
// Runs collectives between the chips of a machine: each PE of a line or ring is one chip. Holds what the chips have
// afterwards against exact sums, and the time against the bounds.
#pragma once

#include "sim/run/workload.h"
#include "sim/workloads/collective/panel.h"

namespace tilemesh::workloads {

class CollectiveWorkload final : public run::Workload {
public:
    explicit CollectiveWorkload(CollectivePanel panel) : panel_(std::move(panel)) {}

    const CollectivePanel& panel() const { return panel_; }

    std::string describe() const override;
    void check(std::size_t kernel) const override;
    run::Bounds bounds(std::size_t kernel) const override;
    void check_inputs(const std::vector<std::size_t>&) const override {}
    std::shared_ptr<const run::Prepared> prepare(const std::vector<std::size_t>& kernels, int threads) const override;
    /// InputError: there is no kernel text of PEs to hand over.
    std::shared_ptr<const void> launch(std::size_t kernel, const run::Prepared& prepared,
                                       machine::Target& target) const override;
    bool can_be_followed() const override { return false; }
    run::EntryOutcome run(std::size_t kernel, const run::Prepared& prepared, run::Wanted wanted) const override;

private:
    CollectivePanel panel_;
};

/// Claims the names of algorithms of collectives.
class CollectiveKind final : public run::WorkloadKind {
public:
    std::vector<run::KernelInfo> kernels() const override;
    bool claims(const Json& kernel) const override;
    /// Every algorithm by its name; what "auto" stands for is one of them, or two of them for the calls of an
    /// all_reduce.
    std::vector<Json> alternatives(const std::vector<Json>& kernels) const override;
    std::vector<run::Entry> read(JsonReader& panel, const run::Setup& setup,
                                 std::vector<JsonReader>& kernels) const override;
};

}  // namespace tilemesh::workloads
