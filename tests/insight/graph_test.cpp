// SPDX-License-Identifier: Apache-2.0
// The graph of a run: its critical path is as long as the run, machines that are alike take as long, and what another
// machine would take is near what it does take.
#include "sim/insight/graph.h"
#include "kernels/all.h"
#include "sim/run/panel.h"
#include "sim/run/resolve.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/program/program_run.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;

namespace {

using Settings = std::vector<std::string>;

struct Ready {
    run::Panel panel;
    std::vector<std::shared_ptr<const run::Prepared>> prepared;
};

run::Panel panel_of(const std::string& name, const Settings& settings) {
    static const workloads::AttentionKind attention(kernels::all());
    static const workloads::ProgramKind programs;
    run::Resolved resolved =
        run::resolve_panel_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/panels/" + name + ".json");
    run::apply_setting(resolved, run::parse_setting("values.mode=none"));
    for (const std::string& setting : settings) run::apply_setting(resolved, run::parse_setting(setting));
    return run::read_panel(resolved, {&programs, &attention});
}

report::KernelResult result_of(const run::Entry& entry, const run::Wanted& wanted) {
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return entry.workload->run(entry.number, *prepared, wanted).result;
}

void check_path(const report::KernelResult& result) {
    Picoseconds shares, segments, until;
    for (const report::PathShare& share : result.critical_path->shares) shares += share.time;
    for (const report::PathSegment& segment : result.critical_path->segments) {
        CHECK(segment.begin == until);
        until = segment.end;
    }
    CHECK(shares == result.time);
    CHECK(until == result.time);
    UNSCOPED_INFO(result.critical_path->sentence);
}

}  // namespace

TEST_CASE("a critical path is as long as its run, and a machine that is alike takes as long") {
    for (const std::string name : {"single_user_prefill_mid", "single_user_decode_mid", "programs/ring_attention"}) {
        const run::Panel panel = panel_of(name, {});
        for (const run::Entry& entry : panel.kernels) {
            CAPTURE(name, entry.label);
            const auto result = result_of(
                entry, {.critical_path = true, .estimates = {{"alike", panel.machine}, {"too", panel.machine}}});
            check_path(result);
            REQUIRE(result.what_if.size() == 2);
            CHECK(result.what_if[0].estimated == result.time);
            CHECK(result.what_if[1].estimated == result.time);
            CHECK(result.critical_path->unexplained == Picoseconds());
            WARN(name << " " << entry.label << " " << result.time.value() << ": " << result.critical_path->sentence);
        }
    }
}

TEST_CASE("what another machine would take is estimated") {
    const std::vector<Settings> changes = {
        {"machine.pe.matrix.speed.f16=2", "machine.pe.matrix.speed.bf16=2"},
        {"machine.pe.vector.lanes=2048"},
        {"machine.pe.vector.lanes=64"},
        {"machine.network.link.gbytes_per_s=64"},
        {"machine.network.link.gbytes_per_s=1024"},
        {"machine.network.link.latency_ns=500"},
        {"machine.hbm.gbytes_per_s_per_channel=16"},
        {"machine.hbm.access_latency_ns=2000"},
        {"machine.pe.issue_cycles=100"},
        {"machine.pe.queue_depth=1"},
        {"machine.pe.dma.descriptor_cycles=500"},
        {"machine.pe.dma.outstanding=1"},
        {"machine.network.receive_buffer_bytes=16384"},
        {"machine.pe.clock_ghz=2"},
    };
    for (const std::string name : {"single_user_prefill_mid", "single_user_decode_mid"}) {
        const run::Panel panel = panel_of(name, {});
        std::vector<run::Panel> others;
        run::Wanted wanted{.critical_path = true};
        for (const Settings& change : changes) {
            others.push_back(panel_of(name, change));
            wanted.estimates.push_back({change.front(), others.back().machine});
        }
        for (std::size_t i = 0; i < panel.kernels.size(); ++i) {
            const auto measured = result_of(panel.kernels[i], wanted);
            for (std::size_t k = 0; k < changes.size(); ++k) {
                const auto exact = result_of(others[k].kernels[i], {});
                const double off = static_cast<double>(measured.what_if[k].estimated->value()) /
                                       static_cast<double>(exact.time.value()) -
                                   1.0;
                const double change =
                    static_cast<double>(exact.time.value()) / static_cast<double>(measured.time.value()) - 1.0;
                CAPTURE(name, panel.kernels[i].label, changes[k].front(), 100.0 * off, 100 * change);
                CHECK(std::abs(off) < 0.05);
            }
        }
    }
}
