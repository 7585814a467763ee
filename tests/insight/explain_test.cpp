// SPDX-License-Identifier: Apache-2.0
// Changes of machines in words, and explanations: which changes are proved, what they say, and what is refused.
#include "sim/run/explain.h"
#include "kernels/all.h"
#include "sim/base/error.h"
#include "sim/report/explanation.h"
#include "sim/report/result_json.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/program/program_run.h"
#include "tests/insight/traced.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using Catch::Contains;

namespace {

const run::Workloads& all_workloads() {
    static const workloads::AttentionKind attention(kernels::all());
    static const workloads::ProgramKind programs;
    static const run::Workloads both{&programs, &attention};
    return both;
}

run::Resolved small_panel(const std::string& kernel = "mesh_kv") {
    return run::resolve_panel_object(test::attention_panel(kernel, 4), "test", TILEMESH_SOURCE_DIR);
}

run::WhatIf what_if(const std::string& text) { return {text, "--what-if " + text}; }

Json at(const std::string& change, const std::string& pointer) {
    return run::with_change(small_panel(), what_if(change)).json.at(Json::json_pointer(pointer));
}

std::string refusal(const std::string& change) {
    try {
        run::explain(small_panel(), all_workloads(), {.changes = {what_if(change)}});
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

const report::WhatIf& change_of(const report::KernelResult& kernel, const std::string& change) {
    for (const report::WhatIf& one : kernel.what_if)
        if (one.change == change) return one;
    throw std::runtime_error("no change " + change);
}

}  // namespace

TEST_CASE("a resource twice as fast has more of what is a rate and less of what is a time") {
    CHECK(at("vector=2x", "/machine/pe/vector/lanes") == 2048);
    CHECK(at("vector=2x", "/machine/pe/vector/startup_cycles") == 8.0);
    CHECK(at("vector=0.5x", "/machine/pe/vector/startup_cycles") == 32.0);
    CHECK(at("issue=free", "/machine/pe/issue_cycles") == 0.0);
    CHECK(at("matrix=2x", "/machine/pe/matrix/speed/f8e4m3") == 2.0);  // not given: its default is 1
    CHECK(at("HBM=2x", "/machine/hbm/channels_per_pe") == 8);
    CHECK(at("HBM=free", "/machine/hbm/standard") == "ideal");
    CHECK(at("matrix=free", "/machine/pe/matrix/dataflow") == "ideal");             // nothing to fill
    CHECK(at("vector=free", "/machine/pe/vector/cycles_per_element/exp2") < 1e-6);  // of rows narrower than its lanes
    CHECK(at("machine.pe.vector.cycles_per_element.exp2=free", "/machine/pe/vector/cycles_per_element/exp2") < 1e-6);
    CHECK(at("matrix=2x", "/machine/pe/matrix/dataflow") == "output_stationary");
    CHECK(at("HBM latency=2x", "/machine/hbm/timing/tCL_ns") == 5.0);
    CHECK(at("HBM latency=2x", "/machine/hbm/timing/tRCDRD_ns") == 19.375 / 2);  // the standard's
    CHECK(at("link latency=free", "/machine/network/router/cycle_ns") == 0.0);
}

TEST_CASE("a key takes a factor as it is, free for what is known, or a value; several changes are one machine") {
    CHECK(at("machine.pe.issue_cycles=2x", "/machine/pe/issue_cycles") == 8.0);
    CHECK(at("machine.pe.queue_depth=2x", "/machine/pe/queue_depth") == 32);
    CHECK(at("machine.pe.dma.descriptor_cycles=free", "/machine/pe/dma/descriptor_cycles") == 0.0);
    CHECK(at("machine.network.link.gbytes_per_s=64", "/machine/network/link/gbytes_per_s") == 64);
    const std::string both = "machine.pe.clock_ghz=2x,link=2x";
    CHECK(at(both, "/machine/pe/clock_ghz") == 2.0);
    CHECK(at(both, "/machine/network/link/gbytes_per_s") == 512.0);
}

TEST_CASE("what is no change of a machine is refused with what would be one") {
    CHECK_THAT(refusal("vectr=2x"), Contains("--what-if vectr=2x: found vectr") && Contains("did you mean vector?"));
    CHECK_THAT(refusal("vector"), Contains("expected KEY=2x, KEY=free or KEY=VALUE"));
    CHECK_THAT(refusal("vector=7"), Contains("vector is several keys; expected a factor (2x) or free"));
    CHECK_THAT(refusal("vector=-2x"), Contains("found the factor -2x, expected one above 0"));
    CHECK_THAT(refusal("machine.pe.clock_ghz=0x"), Contains("found the factor 0x, expected one above 0"));
    CHECK_THAT(refusal("link=2x,vector=free,link=3x"), Contains("link is there twice"));
    CHECK_THAT(refusal("vector=1e308x"), Contains("found 1000000000000000000, expected an integer"));
    CHECK_THAT(refusal("machine.pe.foo=2x"), Contains("the machine has no number machine.pe.foo"));
    CHECK_THAT(refusal("machine.pe.foo=7"), Contains("unknown key"));
    CHECK_THAT(refusal("machine.pe.clock_ghz=free"), Contains("what machine.pe.clock_ghz=free means is not known"));
    CHECK_THAT(refusal("machine.pe.issue_cycles=-1"), Contains("issue_cycles"));
    run::Resolved jittered = small_panel();
    run::apply_setting(jittered, {"jitter", 3, "test"});
    CHECK_THROWS_WITH(run::explain(jittered, all_workloads(), {}), Contains("jittered"));
}

TEST_CASE("the changes that promise most are proved, and their proof is a run on that machine") {
    const run::Explained explained = run::explain(small_panel(), all_workloads(), {.proofs = 2});
    REQUIRE(explained.panel.kernels.size() == 1);
    const report::KernelResult& kernel = explained.panel.kernels.front();
    double best_left = 0.0, worst_proved = 1e9;
    int proved = 0, unknown = 0;
    for (const report::WhatIf& change : kernel.what_if) {
        if (!change.estimated) {  // with other room the kernel is another one
            CHECK_THAT(change.change, Catch::StartsWith("SRAM="));
            CHECK(change.proved);
            ++unknown;
            continue;
        }
        const double estimate =
            static_cast<double>(kernel.time.value()) / static_cast<double>(change.estimated->value());
        if (change.proved)
            worst_proved = std::min(worst_proved, estimate);
        else
            best_left = std::max(best_left, estimate);
        proved += change.proved ? 1 : 0;
    }
    CHECK(unknown == 2);
    CHECK(proved >= 2);
    CHECK(worst_proved >= best_left);
    CHECK(best_left < 1.25);
    const report::WhatIf* const best = report::best_proved(kernel);
    REQUIRE(best != nullptr);
    const run::Resolved there = run::with_change(small_panel(), what_if(best->change));
    CHECK(run::explain(there, all_workloads(), {.proofs = 0}).panel.kernels.front().time == *best->proved);
    CHECK_THAT(report::first_to_change(kernel), Contains(best->change) && Contains("proved by running it"));
}

TEST_CASE("what the graph cannot tell is proved alone, and what cannot run says why") {
    const run::Explained explained = run::explain(
        small_panel(), all_workloads(),
        {.changes = {what_if("machine.pe.queue_depth=2"), what_if("machine.pe.sram_bytes=2048"), what_if("link=2x")},
         .proofs = 3});
    const report::KernelResult& kernel = explained.panel.kernels.front();
    CHECK_FALSE(change_of(kernel, "machine.pe.queue_depth=2").estimated);
    CHECK(change_of(kernel, "machine.pe.queue_depth=2").proved);
    CHECK_THAT(change_of(kernel, "machine.pe.sram_bytes=2048").impossible, Contains("SRAM"));
    CHECK(change_of(kernel, "link=2x").proved);
    const std::string text = report::explanation_text(kernel, false);
    CHECK_THAT(text, Contains("Its critical path: ") && Contains("machine.pe.sram_bytes=2048 cannot be run: "));
}

namespace {

/// What explain names first, alone with the kernel on a machine with these settings.
std::string first_named(const std::string& panel, const std::string& kernel,
                        const std::vector<std::string>& settings) {
    run::Resolved resolved =
        run::resolve_panel_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/panels/" + panel + ".json");
    for (const std::string& setting : settings) run::apply_setting(resolved, run::parse_setting(setting));
    const run::Explained explained = run::explain(resolved, all_workloads(), {.kernels = {kernel}});
    const report::WhatIf* const best = report::best_proved(explained.panel.kernels.front());
    return best ? best->change : "";
}

}  // namespace

TEST_CASE("what a kernel could do with more room is found by running it there") {
    CHECK_THAT(first_named("single_user_prefill_validation", "mesh_kv", {"machine.pe.sram_bytes=86960"}),
               Catch::StartsWith("SRAM="));
}

TEST_CASE("an array that is all fill is the first to change") {
    CHECK(first_named("single_user_prefill_validation", "mesh_kv",
                      {"machine.pe.matrix.rows=1024", "machine.pe.matrix.cols=1024"}) == "matrix=free");
}

TEST_CASE("of changes that gain the same that one is named which the critical path waits for, and the smaller") {
    report::KernelResult kernel;
    kernel.time = from_nanoseconds(1000);
    kernel.critical_path.emplace();
    kernel.critical_path->shares = {{"credits", "machine.cube0.pe0.send_to_pe1", "", from_nanoseconds(600)},
                                    {"link latency", "machine.cube0.pe0_to_pe1", "", from_nanoseconds(300)},
                                    {"dot", "machine.cube0.pe0.matrix", "", from_nanoseconds(100)}};
    const auto proved = [](const char* change, double ns) {
        report::WhatIf one;
        one.change = change;
        one.proved = from_nanoseconds(ns);
        return one;
    };
    kernel.what_if = {proved("matrix=free", 900), proved("link latency=free", 399), proved("credits=2x", 402),
                      proved("credits=free", 400)};
    REQUIRE(report::best_proved(kernel));
    CHECK(report::best_proved(kernel)->change == "credits=2x");
    kernel.what_if[2].proved = from_nanoseconds(700);
    CHECK(report::best_proved(kernel)->change == "credits=free");
    kernel.what_if[0].proved = from_nanoseconds(300);
    CHECK(report::best_proved(kernel)->change == "matrix=free");
}

TEST_CASE("an estimate that is far from the run is proved without being asked") {
    const run::Explained explained = run::explain(
        small_panel(), all_workloads(),
        {.changes = {what_if("machine.pe.matrix.speed.f16=0.1x"), what_if("machine.pe.matrix.speed.f16=0.9x")},
         .proofs = 0});
    const report::KernelResult& kernel = explained.panel.kernels.front();
    CHECK(change_of(kernel, "machine.pe.matrix.speed.f16=0.1x").proved);
    CHECK_FALSE(change_of(kernel, "machine.pe.matrix.speed.f16=0.9x").proved);
}

TEST_CASE("a change that moves no estimate is proved without being asked: the path may know nothing of it") {
    const run::Resolved panel =
        run::resolve_panel_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/panels/programs/softmax.json");
    const std::string change = "machine.pe.integer_cycles=50";
    const run::Explained explained =
        run::explain(panel, all_workloads(), {.changes = {what_if(change)}, .proofs = 0});
    const report::KernelResult& kernel = explained.panel.kernels.front();
    CHECK(*change_of(kernel, change).estimated == kernel.time);
    CHECK(*change_of(kernel, change).proved > kernel.time * 2);
}

TEST_CASE("a run of no time gains nothing from anything, and has no critical path to tell of") {
    report::KernelResult kernel;
    kernel.label = "idle";
    kernel.clock_ghz = 1.0;
    kernel.critical_path.emplace();
    for (const char* change : {"matrix=2x", "matrix=free"}) {
        kernel.what_if.push_back({change, Picoseconds(), {}, ""});
        CHECK(report::gain_of(kernel, kernel.what_if.back()) == 1.0);
    }
    CHECK(report::explanation_text(kernel, false) == "idle: 0 cycles, 0 ns\n\nNothing to gain from matrix.\n");
    CHECK(report::why_text(kernel) == "idle. Nothing that was tried makes it faster.\n");
    kernel.what_if.push_back({"issue=0.5x", Picoseconds(), Picoseconds(5), ""});
    CHECK_THAT(report::explanation_text(kernel, false), Contains("5x slower") && !Contains("inf"));
}

TEST_CASE("an explanation is the same when it has been written and read") {
    const run::Explained explained = run::explain(small_panel(), all_workloads(), {.proofs = 1});
    const report::KernelResult& kernel = explained.panel.kernels.front();
    const report::KernelResult back = report::read_kernel_result(report::kernel_to_json(kernel), "test");
    CHECK(back.critical_path == kernel.critical_path);
    CHECK(back.what_if == kernel.what_if);
    CHECK_FALSE(kernel.critical_path->segments.empty());
    CHECK_THAT(kernel.critical_path->segments[kernel.critical_path->segments.size() / 2].phase, Contains("step "));
}

TEST_CASE("a program's path goes through lines of its source and phases that it has named") {
    const run::Resolved panel =
        run::resolve_panel_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/panels/programs/ring_attention.json");
    const run::Explained explained = run::explain(panel, all_workloads(), {.proofs = 0});
    const report::CriticalPath& path = *explained.panel.kernels.front().critical_path;
    REQUIRE_FALSE(path.lines.empty());
    Picoseconds of_lines;
    for (const report::HotLine& line : path.lines) of_lines += line.critical;
    CHECK(of_lines <= explained.panel.kernels.front().time);
    CHECK_THAT(path.lines.front().place, Catch::StartsWith("ring_attention.py:"));
    CHECK_THAT(path.shares.front().phase,
               Contains("ring_attention") && Contains("loop at line") && Contains(", iteration"));
}

TEST_CASE("the critical path has a track of its own, from the beginning of the window to its end") {
    const test::Traced run = test::traced(test::attention_panel("ring_kv", 4));
    const std::vector<test::ReadSlice> path = run.trace.on("critical path");
    REQUIRE_FALSE(path.empty());
    std::uint64_t until = 0;
    for (const test::ReadSlice& slice : path) {
        CHECK(slice.begin == until);
        until = slice.end;
    }
    CHECK(until == run.result.time.value());
    CHECK_FALSE(run.result.critical_path);
    TraceChoice window;
    window.from = from_nanoseconds(1000);
    window.to = from_nanoseconds(2000);
    const test::Traced part = test::traced(test::attention_panel("ring_kv", 4), window);
    CHECK(part.trace.on("critical path").front().begin <= 1000000);
    CHECK(part.trace.on("critical path").front().end > 1000000);
    CHECK(part.trace.on("critical path").size() < path.size());
}

TEST_CASE("a window behind the end of the run is an empty trace that says so") {
    TraceChoice choice;
    choice.from = from_nanoseconds(1e9);
    CHECK_THAT(test::traced(test::attention_panel("ring_kv", 4), choice).result.note,
               Contains("the trace is empty: its window begins at 1000000 us, and the run ends at "));
}
