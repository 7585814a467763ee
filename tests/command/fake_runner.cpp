// SPDX-License-Identifier: Apache-2.0
// Kernels that succeed, err, crash and hang on request. A panel whose inputs have the prefix "die" or "refuse" dies
// or is refused while being prepared.
#include "tests/command/fake_runner.h"

#include "sim/base/error.h"
#include "sim/run/not_possible.h"
#include "tests/command/made_up.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace tilemesh {
namespace {

struct FakePrepared : run::Prepared {
    explicit FakePrepared(int number_of_threads) : threads(number_of_threads) {}
    pid_t process = ::getpid();
    int threads;
};

}  // namespace

std::vector<run::KernelInfo> FakeRunner::kernels() const {
    return {{"good", "answers rightly"},
            {"wrong", "answers wrongly"},
            {"segfault", "crashes"},
            {"leave", "ends its process"},
            {"stuck", "throws a KernelError"},
            {"impossible", "beats its bound"},
            {"sleep", "never ends"},
            {"picky", "refuses every problem"},
            {"counts", "tells how many threads prepared its inputs"}};
}

void FakeRunner::check(const run::Panel& panel, const run::KernelChoice& choice) const {
    const bool pes = panel.ranks.unit == run::RankUnit::pe;
    run::units_of_ranks(panel, ranks_of(panel, choice), pes ? panel.machine.pes() : panel.machine.cubes());
    if (choice.kernel == "picky")
        throw run::NotPossible(choice.where + ": picky cannot run this: ", "no problem suits it");
}

void FakeRunner::check_inputs(const run::Panel& panel) const {
    if (panel.inputs.prefix == "refuse") fail<InputError>("{}: no such tensor", panel.inputs.tensors.string());
}

std::shared_ptr<const run::Prepared> FakeRunner::prepare(const run::Panel& panel, int threads) const {
    if (panel.inputs.prefix == "die") std::raise(SIGKILL);
    check_inputs(panel);
    return std::make_shared<FakePrepared>(threads);
}

run::EntryOutcome FakeRunner::run(const run::Panel& panel, const run::KernelChoice& choice,
                                  const run::Prepared& prepared, bool want_outputs) const {
    run::EntryOutcome outcome;
    outcome.result = made_up_kernel(choice.kernel);
    outcome.result.verdict.mode = run::name_of(panel.values.mode);
    // The label of a note tells whether the inputs came from another process than this one, as they should.
    const auto& inputs = dynamic_cast<const FakePrepared&>(prepared);
    outcome.result.note = inputs.process != ::getpid() ? "inputs shared" : "inputs made here";
    if (choice.kernel == "counts") outcome.result.note = fmt::format("prepared by {} threads", inputs.threads);
    if (choice.kernel == "wrong") outcome.result.verdict.pass = false;
    if (choice.kernel == "impossible") outcome.result.machine_bound.time = outcome.result.time * 2;
    if (choice.kernel == "segfault") {
        std::signal(SIGSEGV, SIG_DFL);  // also where a sanitizer watches it
        std::raise(SIGSEGV);
    }
    if (choice.kernel == "leave") std::_Exit(7);
    if (choice.kernel == "stuck") fail<KernelError>("deadlock: pe0 waits for pe1");
    while (choice.kernel == "sleep") ::pause();
    if (want_outputs) outcome.outputs.push_back({"user0.lse", {2, 1}, {1.0F, 2.0F}});
    return outcome;
}

}  // namespace tilemesh
