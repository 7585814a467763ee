// SPDX-License-Identifier: Apache-2.0
// What the kernel tests share: panels as a user would write them, run in this process. Every run made here has been
// through the checks that the command makes: the panel is read strictly, the kernel accepts it, the physics hold.
#pragma once

#include "sim/machine/simulation.h"
#include "sim/workloads/attention/arrangement.h"
#include "sim/workloads/attention/attention_run.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kernel_test {

using namespace tilemesh;

/// Every kernel of the forward pass whose arithmetic is right, by name.
std::vector<std::string> exact_kernels();
/// Every kernel of the backward pass.
std::vector<std::string> backward_kernels();

/// Those of them that can run on a line of `n` PEs with distinct_problem(), by name.
std::vector<std::string> exact_kernels_on_line(int n);

/// A line of `n` PEs with everything else as in a shipped machine.
Json line_of(int n, const std::string& machine = "cube_line8");
/// No two dimensions alike, not even tokens and heads: 53 queries, 97 keys, dimensions 24 and 40, two kv heads.
Json distinct_problem(const std::string& mask, int group = 3);
/// One rank per PE of `machine`, values in full.
Json panel_of(const Json& machine, const Json& problem, const Json& kernels);

struct Ran {
    report::KernelResult result;
    std::map<std::string, std::vector<float>> outputs;  // "user0.o", "user0.lse"; empty unless values are computed
    const std::vector<float>& output(const std::string& name) const { return outputs.at(name); }
};

/// A panel that has been read, with its inputs and reference made when first needed.
class Experiment {
public:
    explicit Experiment(const Json& panel, std::shared_ptr<const attention::Mask> mask = nullptr);

    const workloads::AttentionPanel& panel() const { return workload_->panel(); }
    std::size_t kernels() const { return panel().kernels.size(); }
    /// Kernels that can run on these ranks at all; others say "cannot run this" (an odd grid has no cycle, ...), and
    /// which do is tested by name in refusals_test.cpp.
    std::vector<std::size_t> accepted() const;
    const workloads::AttentionChoice& choice(std::size_t kernel = 0) const { return panel().kernels[kernel]; }
    /// How the kernel sits on the machine; an InputError when it cannot.
    workloads::Arrangement arrangement(std::size_t kernel = 0) const;
    Ran run(std::size_t kernel = 0);
    /// Other machines and ranks do not change what is computed: takes inputs and reference from an experiment with
    /// the same problem.
    void share_values(Experiment& other);

private:
    void prepare();

    std::unique_ptr<const workloads::AttentionWorkload> workload_;
    std::shared_ptr<const run::Prepared> prepared_;
};

/// A timing-only simulation with what a result does not carry.
struct Simulated {
    machine::Outcome outcome;
    std::vector<std::uint64_t> sram_held;  // by PE: bytes still taken when everything is done
};
Simulated simulate(const Experiment& experiment, std::size_t kernel, bool reverse_construction = false);

/// Everything timing says about a run, as text that can be compared and read.
std::string timing_of(const report::KernelResult& result);
std::string timing_of(const machine::Outcome& outcome);

/// Bytes of every link that carried something, by its name in the topology ("cube0.pe1_to_pe2").
std::map<std::string, std::uint64_t> link_bytes(const report::KernelResult& result);
/// Messages of all PEs.
std::uint64_t messages(const report::KernelResult& result);

/// norm(a - b) / norm(b)
double relative_l2(const std::vector<float>& a, const std::vector<float>& b);
/// Greatest |a - b|; two equal infinities do not differ.
double greatest_difference(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace kernel_test
