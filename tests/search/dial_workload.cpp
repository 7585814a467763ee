// SPDX-License-Identifier: Apache-2.0
#include "tests/search/dial_workload.h"

#include "sim/base/error.h"
#include "sim/run/not_possible.h"

#include <csignal>

namespace tilemesh {

void DialWorkload::check(std::size_t number) const {
    if (dials_[number].does == "refuse") throw run::NotPossible("dial: ", "it does not want to");
}

run::Bounds DialWorkload::bounds(std::size_t number) const {
    check(number);
    const Dial& dial = dials_[number];
    run::Bounds bounds;
    bounds.least.time = from_nanoseconds(dial.bound);
    bounds.least.hop_bytes = Bytes(dial.hop_bound);
    bounds.work = dial.work;
    return bounds;
}

std::shared_ptr<const run::Prepared> DialWorkload::prepare(const std::vector<std::size_t>&, int) const {
    return std::make_shared<const run::Prepared>();
}

std::shared_ptr<const void> DialWorkload::launch(std::size_t, const run::Prepared&, machine::Target&) const {
    return nullptr;
}

run::EntryOutcome DialWorkload::run(std::size_t number, const run::Prepared&, run::Wanted) const {
    const Dial& dial = dials_[number];
    if (dial.does == "fail") fail<KernelError>("it gave up");
    if (dial.does == "crash") {
        std::signal(SIGSEGV, SIG_DFL);  // also where a sanitizer watches it
        std::raise(SIGSEGV);
    }
    run::EntryOutcome outcome;
    outcome.result.time = from_nanoseconds(dial.time);
    outcome.result.verdict.mode = run::name_of(mode_);
    outcome.result.verdict.pass = dial.does != "wrong";
    outcome.result.verdict.why = dial.does == "wrong" ? "it is wrong" : "";
    if (dial.joules > 0 || dial.does == "lack a price") {
        report::EnergyResult& energy = outcome.result.energy.emplace();
        energy.joules = dial.joules;
        if (dial.does == "lack a price") energy.missing = {"pj_per_byte.hbm is missing (needed for 7 bytes)"};
    }
    outcome.result.components = {{"machine.link", "link", {}, {}, Bytes(dial.hop)}};
    return outcome;
}

std::vector<Json> DialKind::alternatives(const std::vector<Json>& kernels) const {
    std::vector<Json> all;
    for (Json kernel : kernels) {
        kernel["dial"] = std::string(1, static_cast<char>(kernel["dial"].get<std::string>().front() + 1));
        all.push_back(kernel);
    }
    return all;
}

std::vector<run::Entry> DialKind::read(JsonReader&, const run::Setup& setup, std::vector<JsonReader>& kernels) const {
    std::vector<Dial> dials;
    std::vector<run::Entry> entries;
    for (JsonReader& kernel : kernels) {
        Dial dial;
        dial.name = kernel.string("dial");
        dial.time = kernel.number("time", 0, 1e9, dial.time);
        dial.bound = kernel.number("bound", 0, 1e9, dial.bound);
        dial.joules = kernel.number("joules", 0, 1e9, dial.joules);
        dial.hop = kernel.integer("hop", 0, 1000000, dial.hop);
        dial.hop_bound = kernel.integer("hop_bound", 0, 1000000, dial.hop_bound);
        dial.work = kernel.string("work", "");
        dial.does = kernel.string("does", dial.does);
        kernel.string("kernel", "");
        kernel.finish();
        entries.push_back({"dial", dial.name, kernel.place(), {}, nullptr, entries.size()});
        dials.push_back(dial);
    }
    const auto workload = std::make_shared<const DialWorkload>(std::move(dials), setup.values.mode);
    for (run::Entry& entry : entries) entry.workload = workload;
    return entries;
}

}  // namespace tilemesh
