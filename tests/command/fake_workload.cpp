// SPDX-License-Identifier: Apache-2.0
// Kernels that succeed, err, crash and hang on request. A panel whose inputs have the prefix "die" or "refuse" dies
// or is refused while being prepared.
#include "tests/command/fake_workload.h"

#include "sim/base/error.h"
#include "sim/run/not_possible.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/attention/describe.h"
#include "tests/command/made_up.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace tilemesh {
namespace {

using workloads::AttentionPanel;

struct FakePrepared : run::Prepared {
    explicit FakePrepared(int number_of_threads) : threads(number_of_threads) {}
    pid_t process = ::getpid();
    int threads;
};

class FakeWorkload : public run::Workload {
public:
    explicit FakeWorkload(AttentionPanel read) : panel(std::move(read)) {}

    std::string describe() const override { return workloads::describe(panel); }

    void check(std::size_t number) const override {
        const workloads::AttentionChoice& choice = panel.kernels[number];
        run::check_known(choice.where, choice.kernel, FakeKind().kernels());
        const bool pes = panel.ranks.unit == workloads::RankUnit::pe;
        workloads::units_of_ranks(panel, ranks_of(panel, choice), pes ? panel.machine.pes() : panel.machine.cubes());
        if (choice.kernel == "picky")
            throw run::NotPossible(choice.where + ": picky cannot run this: ", "no problem suits it");
    }

    void check_inputs(const std::vector<std::size_t>&) const override {
        if (panel.inputs.prefix == "refuse") fail<InputError>("{}: no such tensor", panel.inputs.tensors.shown);
    }

    std::shared_ptr<const run::Prepared> prepare(const std::vector<std::size_t>& kernels,
                                                 int threads) const override {
        if (panel.inputs.prefix == "die") std::raise(SIGKILL);
        check_inputs(kernels);
        return std::make_shared<FakePrepared>(threads);
    }

    std::shared_ptr<const void> launch(std::size_t, const run::Prepared&, machine::Target&) const override {
        return nullptr;
    }

    run::EntryOutcome run(std::size_t number, const run::Prepared& prepared, run::Wanted wanted) const override {
        const std::string& kernel = panel.kernels[number].kernel;
        run::EntryOutcome outcome;
        outcome.result = made_up_kernel(kernel);
        outcome.result.verdict.mode = run::name_of(panel.values.mode);
        // The note tells whether the inputs came from another process than this one, as they should.
        const auto& inputs = dynamic_cast<const FakePrepared&>(prepared);
        outcome.result.note = inputs.process != ::getpid() ? "inputs shared" : "inputs made here";
        if (kernel == "counts") outcome.result.note = fmt::format("prepared by {} threads", inputs.threads);
        if (kernel == "wrong") outcome.result.verdict.pass = false;
        if (kernel == "impossible") outcome.result.machine_bound.time = outcome.result.time * 2;
        if (kernel == "segfault") {
            std::signal(SIGSEGV, SIG_DFL);  // also where a sanitizer watches it
            std::raise(SIGSEGV);
        }
        if (kernel == "preempted") std::raise(SIGKILL);
        if (kernel == "leave") std::_Exit(7);
        if (kernel == "stuck") fail<KernelError>("deadlock: pe0 waits for pe1");
        while (kernel == "sleep") ::pause();
        if (wanted.outputs) outcome.outputs.push_back({"user0.lse", {2, 1}, {1.0F, 2.0F}});
        return outcome;
    }

    AttentionPanel panel;
};

}  // namespace

std::vector<run::KernelInfo> FakeKind::kernels() const {
    return {{"good", "answers rightly"},
            {"wrong", "answers wrongly"},
            {"segfault", "crashes"},
            {"preempted", "is ended by somebody else"},
            {"leave", "ends its process"},
            {"stuck", "throws a KernelError"},
            {"impossible", "beats its bound"},
            {"sleep", "never ends"},
            {"picky", "refuses every problem"},
            {"counts", "tells how many threads prepared its inputs"}};
}

std::vector<run::Entry> FakeKind::read(JsonReader& panel, const run::Setup& setup,
                                       std::vector<JsonReader>& kernels) const {
    const auto workload = std::make_shared<FakeWorkload>(workloads::read_attention_panel(panel, setup, kernels));
    return workloads::entries_of(workload->panel, workload);
}

run::Workloads fake_workloads() {
    static const FakeKind kind;
    return {&kind};
}

const AttentionPanel& attention_of(const run::Panel& panel) {
    return dynamic_cast<const FakeWorkload&>(*panel.kernels.front().workload).panel;
}

}  // namespace tilemesh
