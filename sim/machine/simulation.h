// SPDX-License-Identifier: Apache-2.0
// One simulation from beginning to end: a fresh SystemC context, a machine in it, tensors in its HBM, kernels on its
// PEs, a run, and what came of it. Several may follow each other in one process; one at a time.
#pragma once

#include "sim/machine/machine.h"
#include "sim/machine/statistics.h"
#include "sim/machine/target.h"
#include "sim/tile/context.h"
#include "sim/tile/tensor.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tilemesh::machine {

/// What a run reports, in the machine's own terms.
struct Outcome {
    Picoseconds time;            // when the last kernel and all its commands were done
    std::uint64_t commands = 0;  // tile commands issued by all PEs
    std::vector<Component> components;
    std::vector<Totals> totals;  // by component
    Bytes sent, received;        // by all messages, one to several PEs as one to each
    Bytes copied;                // of those sent, what routers made of others
    Bytes sram_peak;             // of the fullest PE
    std::uint64_t passed = 0;    // of the commands: not simulated but passed over
    Picoseconds doubt;           // by which the longest time of a PE is wrong, as far as was measured again
    double host_seconds = 0;     // of the simulation proper
};

/// SystemC keeps its state in a context behind two global pointers. A fresh one per simulation lets several follow
/// each other in one process. The context of before comes back afterwards: the first one holds events of SystemC's
/// own that live until the process ends. One that has ended goes when the next begins: taking it apart is quadratic
/// in its processes (most of a minute for 4096 PEs), and a worker, which simulates once, never needs to.
class SystemcContext {
public:
    SystemcContext();
    ~SystemcContext();
    SystemcContext(const SystemcContext&) = delete;
    SystemcContext& operator=(const SystemcContext&) = delete;

private:
    sc_core::sc_simcontext* previous_;
};

class Simulation final : public Target {
public:
    explicit Simulation(const MachineConfig& config, SimulationOptions options = {});
    ~Simulation() override;
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    // Target
    Tensor& allocate(int pe, SharedText name, Shape shape, Dtype dtype) override;
    std::uint64_t reserve(int pe, std::uint64_t bytes, const std::string& what) override {
        return machine_->slice(pe).allocate(bytes, what);
    }
    void is_given(int, std::uint64_t, std::uint64_t) override {}
    void launch(int pe, std::string kernel, pe::KernelText text, ValueMode values, int processor = 0) override;
    /// Runs everything to its end. KernelError: a kernel failed or all wait for ever.
    Outcome run();

    Machine& machine() { return *machine_; }

private:
    struct Launched {
        int pe, processor;
    };
    pe::CommandProcessor& processor(const Launched& at) { return machine_->pe(at.pe).processor(at.processor); }
    bool runs(int pe) const;
    bool has_finished(int pe);
    std::string deadlock_report();

    SystemcContext systemc_;  // ends after everything that lives in it
    const MachineConfig config_;
    Statistics statistics_;
    std::unique_ptr<Recorder> recorder_;
    std::unique_ptr<Machine> machine_;
    std::deque<Tensor> tensors_;
    std::vector<Launched> launched_;
};

}  // namespace tilemesh::machine
