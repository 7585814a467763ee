// SPDX-License-Identifier: Apache-2.0
// What a panel runs. This is the seam between the panels, milestones and processes of this folder, which know no
// kernel and no problem, and the simulations themselves (sim/workloads/): a workload reads its own keys of a panel,
// then checks, prepares and runs kernels one at a time. Tests stand a fake in its place.
#pragma once

#include "sim/base/trace_choice.h"
#include "sim/insight/other_machine.h"
#include "sim/machine/target.h"
#include "sim/report/result.h"
#include "sim/run/setup.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tilemesh::run {

/// What `list kernels` shows.
struct KernelInfo {
    std::string name;
    std::string summary;  // one line
};

/// What kernels of one panel share: inputs and reference. Made once per panel in the process that its workers are
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
    std::vector<std::int64_t> integers = {};  // instead of values
};

using insight::OtherMachine;

/// What a run shall bring beside its time and verdict.
struct Wanted {
    bool outputs = false;
    bool account = false;    // where the time of every component went
    TraceChoice trace = {};  // what happened when, if it is wanted
    Bytes pictures = {};     // room for pictures of the run over time; 0: not wanted
    bool critical_path = false;
    std::vector<OtherMachine> estimates = {};  // of its time on these machines, with the critical path
    bool energy = false;                       // by the machine's table
};

/// What entries make beside what is worked out from all of their components. With any of the files one entry alone is
/// run.
struct EntryFiles {
    std::filesystem::path save_outputs;  // empty: outputs are not saved
    TraceChoice trace = {};
    Bytes pictures = {};     // of each entry, for a page
    bool components = true;  // one by one, of which a machine of thousands of PEs has tens of thousands
};

struct EntryOutcome {
    report::KernelResult result;       // `label`, `host` and the derived figures are filled by the caller
    std::vector<NamedTensor> outputs;  // empty unless asked for
};

/// What is known of a kernel's run without it.
struct Bounds {
    /// No run has less: its time, its bytes of HBM, of links together and of the busiest one. 0: nothing is known.
    report::KernelResult least;
    /// Where panels differ in nothing but "kernels" and "ranks", kernels of equal work have equal results, but for
    /// the words in them. Empty: nothing is known.
    std::string work;
};

/// Refuses a kernel's name that is none of these with an InputError that begins with `where` and suggests the
/// nearest.
void check_known(const std::string& where, const std::string& kernel, const std::vector<KernelInfo>& known);

/// One panel's problem and its kernels, which are told apart by numbers from 0. Const once read.
class Workload {
public:
    virtual ~Workload() = default;
    /// The problem in one line of words, for the heading of a table.
    virtual std::string describe() const = 0;
    /// Refuses, with an InputError that says where, what cannot run: an unknown name, more ranks than units, a bad
    /// placement, options that the kernel does not have; with NotPossible a kernel that cannot do this problem and
    /// tiles or tensors that do not fit. Fast; touches no values.
    virtual void check(std::size_t kernel) const = 0;
    /// Refuses what check() refuses; simulates nothing.
    virtual Bounds bounds(std::size_t kernel) const {
        check(kernel);
        return {};
    }
    /// Refuses, with an InputError, tensor files that prepare() would refuse; reads them, computes nothing.
    virtual void check_inputs(const std::vector<std::size_t>& kernels) const = 0;
    /// Inputs and reference for these kernels, made by so many threads. InputError when a tensor file cannot be used.
    virtual std::shared_ptr<const Prepared> prepare(const std::vector<std::size_t>& kernels, int threads) const = 0;
    /// Lays a kernel's tensors out and hands its text to the PEs, for a run without values; what it returns must
    /// outlive the target's run.
    virtual std::shared_ptr<const void> launch(std::size_t kernel, const Prepared& prepared,
                                               machine::Target& target) const = 0;
    /// Is a run made of commands of PEs, with an account, a critical path and estimates for other machines?
    virtual bool can_be_followed() const { return true; }
    /// Are its commands as large as the SRAM holds, so that with more of it there are others?
    virtual bool fills_the_sram() const { return false; }
    /// Simulates. May throw KernelError (the kernel failed) or InternalError.
    virtual EntryOutcome run(std::size_t kernel, const Prepared& prepared, Wanted wanted) const = 0;
};

/// A kernel of a panel.
struct Entry {
    std::string kernel;
    std::string label;         // unique in the panel; the kernel's name unless given
    std::string where;         // "panel.json: /kernels/1", for errors about it
    std::string not_possible;  // why it cannot run; empty: it can, or nobody asked yet (panel.h)
    std::shared_ptr<const Workload> workload;
    std::size_t number = 0;  // of the kernel in its workload
};

/// A sort of workload: which kernels it has and how it is read.
class WorkloadKind {
public:
    virtual ~WorkloadKind() = default;
    /// Kernels that panels can name.
    virtual std::vector<KernelInfo> kernels() const = 0;
    /// Whether an element of a panel's "kernels" is one of its own.
    virtual bool claims(const Json& kernel) const = 0;
    /// What a search may put in the place of these elements of a panel's "kernels", all its own: kernels that do what
    /// they do, and how each may be cut and laid out. None: what they are is all there is.
    virtual std::vector<Json> alternatives(const std::vector<Json>&) const { return {}; }
    /// Whether such an element says all that a run needs, or only its alternatives do.
    virtual bool is_complete(const Json&) const { return true; }
    /// Reads the panel's keys that belong to it and those elements of "kernels" that it claims, at least one; returns
    /// them as entries, without checking whether they can run.
    virtual std::vector<Entry> read(JsonReader& panel, const Setup& setup,
                                    std::vector<JsonReader>& kernels) const = 0;
};

/// All sorts that panels may use, in the order in which they are asked whether a kernel is theirs.
using Workloads = std::vector<const WorkloadKind*>;

}  // namespace tilemesh::run
