// SPDX-License-Identifier: Apache-2.0
// One entry is one kernel on one panel: the unit of work of a worker process. This is the seam between the panels,
// milestones and processes of this folder and the simulation itself: attention_run implements it for the machine and
// a list of kernels, tests implement it with a fake.
#pragma once

#include "sim/report/result.h"
#include "sim/run/panel.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tilemesh::run {

/// What `list kernels` shows.
struct KernelInfo {
    std::string name;
    std::string summary;  // one line
};

/// What all kernels of one panel share: inputs and reference. Made once per panel in the process that its workers are
/// forked from, so that they share its pages. Threads that make it must have ended by then (they do not survive a
/// fork).
class Prepared {
public:
    virtual ~Prepared() = default;
};

/// A tensor to be saved with --save-outputs.
struct NamedTensor {
    std::string name;  // "user0.o", "user0.lse"
    std::vector<std::uint64_t> shape;
    std::vector<float> values;
};

struct EntryOutcome {
    report::KernelResult result;       // `label`, `host` and the derived figures are filled by the caller
    std::vector<NamedTensor> outputs;  // empty unless asked for
};

class EntryRunner {
public:
    virtual ~EntryRunner() = default;
    virtual std::vector<KernelInfo> kernels() const = 0;
    /// Refuses, with an InputError that begins with `choice.where`, what cannot run: more ranks than units, a bad
    /// placement, options that the kernel does not have; with NotPossible a kernel that cannot do this problem and
    /// tiles or tensors that do not fit. Unknown kernel names never get here. Fast; touches no values.
    virtual void check(const Panel& panel, const KernelChoice& choice) const = 0;
    /// Refuses, with an InputError, tensor files that prepare() would refuse; reads them, computes nothing.
    virtual void check_inputs(const Panel& panel) const = 0;
    /// Inputs and reference of a panel, made by so many threads. InputError when a tensor file cannot be used.
    virtual std::shared_ptr<const Prepared> prepare(const Panel& panel, int threads) const = 0;
    /// Simulates. May throw KernelError (the kernel failed) or InternalError.
    virtual EntryOutcome run(const Panel& panel, const KernelChoice& choice, const Prepared& prepared,
                             bool want_outputs) const = 0;
};

/// Checks every kernel of a panel: the name is known (else the nearest is suggested) and the runner accepts it.
void check_panel(const Panel& panel, const EntryRunner& runner);

/// The same, but where some kernels are NotPossible and others can run, the former are marked (not_possible) instead.
void mark_impossible(Panel& panel, const EntryRunner& runner);

}  // namespace tilemesh::run
