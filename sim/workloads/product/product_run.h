// SPDX-License-Identifier: Apache-2.0
// Runs matrix products spread over the cores of a chip: each PE of a mesh computes a part of the result. Holds the
// result against exact sums, and the time against the bounds.
#pragma once

#include "sim/run/workload.h"
#include "sim/workloads/product/panel.h"

namespace tilemesh::workloads {

/// The kernel: blocks of in0 go along rows of PEs, blocks of in1 along columns.
inline constexpr const char* multicast_2d = "multicast_2d";

class ProductWorkload final : public run::Workload {
public:
    explicit ProductWorkload(ProductPanel panel) : panel_(std::move(panel)) {}

    const ProductPanel& panel() const { return panel_; }

    std::string describe() const override;
    void check(std::size_t kernel) const override;
    void check_inputs(const std::vector<std::size_t>&) const override {}
    std::shared_ptr<const run::Prepared> prepare(const std::vector<std::size_t>& kernels, int threads) const override;
    /// InputError: there is no kernel text of PEs to hand over.
    std::shared_ptr<const void> launch(std::size_t kernel, const run::Prepared& prepared,
                                       machine::Target& target) const override;
    bool can_be_followed() const override { return false; }
    run::EntryOutcome run(std::size_t kernel, const run::Prepared& prepared, run::Wanted wanted) const override;

private:
    ProductPanel panel_;
};

class ProductKind final : public run::WorkloadKind {
public:
    std::vector<run::KernelInfo> kernels() const override;
    bool claims(const Json& kernel) const override;
    /// The kernel without blocks, which takes the best of all.
    std::vector<Json> alternatives(const std::vector<Json>& kernels) const override;
    std::vector<run::Entry> read(JsonReader& panel, const run::Setup& setup,
                                 std::vector<JsonReader>& kernels) const override;
};

}  // namespace tilemesh::workloads
