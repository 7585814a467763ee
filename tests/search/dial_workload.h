// SPDX-License-Identifier: Apache-2.0
// Kernels whose results are what their panel says: {"dial": "a", "time": 100, "bound": 80, "hop": 5, ...}.
#pragma once

#include "sim/run/workload.h"

#include <memory>
#include <string>
#include <vector>

namespace tilemesh {

/// All in nanoseconds and bytes; `bound` and `hop_bound` are what is said before the run, never in its result.
struct Dial {
    std::string name;
    double time = 100, bound = 0;
    std::uint64_t hop = 0, hop_bound = 0;
    double joules = 0;           // 0: nobody asks for energy
    std::string work;            // of run::Bounds
    std::string does = "right";  // or "wrong", "refuse", "fail", "crash", "lack a price"
};

class DialWorkload final : public run::Workload {
public:
    DialWorkload(std::vector<Dial> dials, ValueMode mode) : dials_(std::move(dials)), mode_(mode) {}
    std::string describe() const override { return "dials"; }
    void check(std::size_t number) const override;
    run::Bounds bounds(std::size_t number) const override;
    void check_inputs(const std::vector<std::size_t>&) const override {}
    std::shared_ptr<const run::Prepared> prepare(const std::vector<std::size_t>&, int) const override;
    std::shared_ptr<const void> launch(std::size_t, const run::Prepared&, machine::Target&) const override;
    run::EntryOutcome run(std::size_t number, const run::Prepared&, run::Wanted) const override;

private:
    std::vector<Dial> dials_;
    ValueMode mode_;
};

class DialKind final : public run::WorkloadKind {
public:
    std::vector<run::KernelInfo> kernels() const override { return {{"dial", "does what it is told"}}; }
    bool claims(const Json& kernel) const override { return kernel.is_object() && kernel.contains("dial"); }
    /// Each with the next letter for a name.
    std::vector<Json> alternatives(const std::vector<Json>& kernels) const override;
    std::vector<run::Entry> read(JsonReader& panel, const run::Setup& setup,
                                 std::vector<JsonReader>& kernels) const override;
};

}  // namespace tilemesh
