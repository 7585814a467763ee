// SPDX-License-Identifier: Apache-2.0
// Phases: bands of one processor, what a run's time is by phase, and both in a trace and an explanation.
#include "kernels/all.h"
#include "sim/insight/phase_bands.h"
#include "sim/report/explanation.h"
#include "sim/run/panel.h"
#include "sim/run/resolve.h"
#include "sim/workloads/attention/attention_run.h"
#include "tests/insight/traced.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;

namespace {

using Band = std::tuple<std::size_t, std::string, std::uint64_t, std::uint64_t>;

/// Comes into phases, by paths of at most two levels, and collects the bands that this ends.
class Processor {
public:
    void enter(std::int64_t step, std::int64_t keys, std::uint64_t when) {
        std::uint32_t phase = insight::Phases::none;
        if (step >= 0) phase = phases_.enter(phase, Phase{"step", step, -1});
        if (keys >= 0) phase = phases_.enter(phase, Phase{"keys", keys, keys + 7});
        take(bands_.enter(phases_, phase, Picoseconds(when)));
    }
    void leave(std::uint64_t when) { take(bands_.enter(phases_, insight::Phases::none, Picoseconds(when))); }
    const std::vector<Band>& close(std::uint64_t when) {
        take(bands_.close(phases_, Picoseconds(when)));
        return all_;
    }

private:
    void take(const std::vector<insight::PhaseBands::Band>& bands) {
        for (const auto& band : bands)
            all_.emplace_back(band.level, phases_.name(band.phase), band.begin.value(), band.end.value());
    }
    insight::Phases phases_;
    insight::PhaseBands bands_;
    std::vector<Band> all_;
};

report::KernelResult explained(const std::string& kernel) {
    static const workloads::AttentionKind attention(kernels::all());
    run::Resolved resolved = run::resolve_panel_object(test::attention_panel(kernel, 4), "test", TILEMESH_SOURCE_DIR);
    // Transfers that do not overlap are work of their engine one by one.
    run::apply_setting(resolved, run::parse_setting("machine.pe.dma.outstanding=1"));
    const run::Panel panel = run::read_panel(resolved, {&attention});
    const run::Entry& entry = panel.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return entry.workload->run(entry.number, *prepared, {.critical_path = true}).result;
}

report::HotLine sum(const std::vector<report::HotLine>& lines) {
    report::HotLine all;
    for (const report::HotLine& line : lines) {
        all.critical += line.critical;
        all.busy += line.busy;
        all.waiting += line.waiting;
    }
    return all;
}

/// The phases within one, or within none.
std::vector<report::HotLine> of_level(const std::vector<report::HotLine>& tree, const std::string& parent) {
    std::vector<report::HotLine> lines;
    for (const report::HotLine& line : tree) {
        const std::size_t cut = line.place.rfind(" / ");
        if ((cut == std::string::npos ? "" : line.place.substr(0, cut)) == parent) lines.push_back(line);
    }
    return lines;
}

}  // namespace

TEST_CASE("a band lasts from when its phase was entered to when it was left, through what lies within it") {
    Processor processor;
    processor.enter(0, 0, 10);
    processor.leave(20);
    processor.enter(0, 8, 20);  // at the same instant: step 0 goes on
    processor.leave(35);
    processor.enter(1, 0, 50);
    CHECK(processor.close(70) == std::vector<Band>{{1, "keys 0-7", 10, 20},
                                                   {1, "keys 8-15", 20, 35},
                                                   {0, "step 0", 10, 35},
                                                   {1, "keys 0-7", 50, 70},
                                                   {0, "step 1", 50, 70}});
}

TEST_CASE("what is entered and left at one instant has no band") {
    Processor processor;
    processor.enter(0, -1, 5);
    processor.enter(0, 0, 9);
    processor.enter(0, -1, 9);
    CHECK(processor.close(12) == std::vector<Band>{{0, "step 0", 5, 12}});
}

TEST_CASE("every command of a run is in the tree of its phases, and a phase holds what is within it") {
    for (const std::string kernel : {"ring_kv", "mesh_mlo", "head_parallel"}) {
        CAPTURE(kernel);
        const report::KernelResult result = explained(kernel);
        const std::vector<report::HotLine>& tree = result.critical_path->phases;
        Picoseconds of_engines;
        for (const report::ComponentResult& part : result.components)
            if (part.kind != "link" && part.kind != "hbm" && part.kind != "processor") of_engines += part.busy;
        const report::HotLine all = sum(of_level(tree, ""));
        // Work on a message lasts until it has arrived, that of the engine until it has left.
        CHECK(all.busy.value() >= of_engines.value());
        if (kernel == "head_parallel") CHECK(all.busy.value() == of_engines.value());
        CHECK(all.critical <= result.time);
        CHECK(all.critical.value() > result.time.value() * 8 / 10);
        for (const report::HotLine& phase : tree) {
            CAPTURE(phase.place);
            const std::vector<report::HotLine> within = of_level(tree, phase.place);
            CHECK(sum(within).busy <= phase.busy);
            CHECK(sum(within).critical <= phase.critical);
            CHECK(sum(within).waiting <= phase.waiting);
        }
        CHECK(tree.size() <= 256);
        CHECK_THAT(report::explanation_text(result, false), Catch::Contains("phase") && Catch::Contains("step 0"));
    }
}

TEST_CASE("a trace shows phases as bands within each other over the engines of their PE") {
    const test::Traced run = test::traced(test::attention_panel("ring_kv", 4));
    const std::vector<test::ReadSlice> steps = run.trace.on("machine.cube0.pe1.phases");
    const std::vector<test::ReadSlice> within = run.trace.on("machine.cube0.pe1.phases, level 2");
    REQUIRE(steps.size() >= 4);
    REQUIRE(within.size() >= steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        CHECK(steps[i].name.starts_with("step "));
        CHECK(steps[i].length() > 0);
        if (i > 0) CHECK(steps[i].begin >= steps[i - 1].end);
    }
    for (const test::ReadSlice& slice : within)
        CHECK(std::any_of(steps.begin(), steps.end(), [&](const test::ReadSlice& step) {
            return step.begin <= slice.begin && slice.end <= step.end;
        }));
}
