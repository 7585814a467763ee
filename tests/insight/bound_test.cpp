// SPDX-License-Identifier: Apache-2.0
// Machines of which one part is slow: does the account name it?
#include "sim/insight/bound.h"
#include "kernels/all.h"
#include "sim/run/panel.h"
#include "sim/run/resolve.h"
#include "sim/workloads/attention/attention_run.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

namespace {

report::KernelResult result_of(const std::string& panel_name, const std::vector<std::string>& settings) {
    static const workloads::AttentionKind attention(kernels::all());
    run::Resolved resolved =
        run::resolve_panel_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/panels/" + panel_name + ".json");
    for (const std::string& setting : settings) run::apply_setting(resolved, run::parse_setting(setting));
    const run::Panel panel = run::read_panel(resolved, {&attention});
    const run::Entry& entry = panel.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return entry.workload->run(entry.number, *prepared, {.account = true}).result;
}

struct Slow {
    std::vector<std::string> settings;
    std::string word;
};

}  // namespace

TEST_CASE("the part that was made slow is the word of the run") {
    const std::vector<Slow> machines = {
        {{"machine.pe.matrix.rows=16"}, "matrix"},
        {{"machine.pe.matrix.speed.f16=0.1"}, "matrix"},
        {{"machine.pe.matrix.sram_bytes_per_cycle=64"}, "matrix"},
        {{"machine.pe.matrix.overlap_folds=false"}, "matrix"},
        {{"machine.pe.vector.lanes=16"}, "vector"},
        {{"machine.pe.vector.startup_cycles=5000"}, "vector"},
        {{"machine.pe.vector.cycles_per_element.exp2=300"}, "vector"},
        {{"machine.pe.issue_cycles=400"}, "issue"},
        {{"machine.hbm.gbytes_per_s_per_channel=2"}, "HBM"},
        {{"machine.hbm.channels_per_pe=1", "machine.hbm.gbytes_per_s_per_channel=8"}, "HBM"},
        {{"machine.hbm.access_latency_ns=50000"}, "latency"},
        {{"machine.pe.dma.descriptor_cycles=10000"}, "latency"},
        {{"machine.pe.dma.bytes_per_cycle=2"}, "SRAM"},
        {{"machine.pe.dma.bytes_per_cycle=1", "machine.pe.vector.lanes=256"}, "SRAM"},
        {{"machine.network.link.gbytes_per_s=2"}, "link"},
        {{"machine.network.link.latency_ns=100000"}, "latency"},
    };
    for (const Slow& slow : machines) {
        std::vector<std::string> settings = slow.settings;
        settings.push_back("values.mode=none");
        const report::KernelResult result = result_of("single_user_prefill_mid", settings);
        CAPTURE(slow.settings.front());
        CHECK(result.bound == slow.word);
        Picoseconds sum;
        for (const report::ClassTime& one : insight::bound_times(result, 8)) sum += one.time;
        CHECK(sum == result.time);
    }
}
