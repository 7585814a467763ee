// SPDX-License-Identifier: Apache-2.0
// The graph of a run: its critical path is as long as the run, machines that are alike take as long, and what another
// machine would take is near what it does take.
#include "sim/insight/graph.h"
#include "kernels/all.h"
#include "sim/run/panel.h"
#include "sim/run/resolve.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/program/program_run.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;

namespace {

using Settings = std::vector<std::string>;

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
    Picoseconds shares, until;
    for (const report::PathShare& share : result.critical_path->shares) shares += share.time;
    for (const report::PathSegment& segment : result.critical_path->segments) {
        CHECK(segment.begin == until);
        until = segment.end;
    }
    CHECK(shares == result.time);
    CHECK(until == result.time);
    UNSCOPED_INFO(result.critical_path->sentence);
}

/// The kernel with the tiles that a run of it has had.
Json with_tiles(const run::Panel& panel, std::size_t kernel, const report::KernelResult& result) {
    Json json = {{"kernel", panel.kernels[kernel].kernel}, {"label", panel.kernels[kernel].label}};
    for (const auto& [name, value] : result.options) json[name] = value;
    return json;
}

double off_by(const report::WhatIf& estimate, const report::KernelResult& exact) {
    return static_cast<double>(estimate.estimated->value()) / static_cast<double>(exact.time.value()) - 1.0;
}

/// Also a machine whose links are slower is foretold.
void check_alike_and_slower(const std::vector<std::pair<std::string, Settings>>& panels) {
    for (const auto& [name, settings] : panels) {
        const run::Panel panel = panel_of(name, settings);
        Settings slower = settings;
        slower.push_back("machine.network.link.gbytes_per_s=64");
        const run::Panel slow = panel_of(name, slower);
        for (const run::Entry& entry : panel.kernels) {
            CAPTURE(name, settings.size(), entry.label);
            const auto result = result_of(
                entry, {.critical_path = true, .estimates = {{"alike", panel.machine}, {"slow", slow.machine}}});
            check_path(result);
            CHECK(result.what_if[0].estimated == result.time);
            CHECK(result.critical_path->unexplained == Picoseconds());
            const auto exact = result_of(slow.kernels[static_cast<std::size_t>(entry.number)], {});
            CHECK(std::abs(off_by(result.what_if[1], exact)) < 0.1);
            if (!result.schedule_bound.terms.empty()) CHECK(result.time >= result.schedule_bound.time);
        }
    }
}

}  // namespace

TEST_CASE("a critical path is as long as its run, and a machine that is alike takes as long") {
    for (const std::string name :
         {"single_user_prefill_mid", "single_user_decode_mid", "programs/ring_attention", "multi_user_decode_8k",
          "multi_user_prefill_mid", "programs/mesh_matmul_4x4", "h200_ring_attention"}) {
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
        }
    }
}

TEST_CASE("the same where routers copy, and another machine whose links are slower is foretold") {
    check_alike_and_slower({{"programs/summa_multicast_2x4", {}},
                            {"programs/summa_multicast_2x4",
                             {"machine.network.port={\"gbytes_per_s\":256,\"latency_ns\":1,\"buffer_bytes\":16384}"}},
                            {"single_user_prefill_mid",
                             {"machine.network.router.multicast=true", "kernels=[\"all_gather_kv\",\"tiles_2d\"]"}}});
}

TEST_CASE("the same where links reach a share of their rate by the size of a transfer") {
    const std::string shares =
        "machine.network.link.rate_by_size=[{\"bytes\":4096,\"share\":0.2},"
        "{\"bytes\":65536,\"share\":0.8}]";
    check_alike_and_slower({{"programs/summa_multicast_2x4", {shares}},
                            {"single_user_prefill_mid", {shares, "kernels=[\"ring_kv\",\"ring_kv_bidirectional\"]"}},
                            {"multi_user_decode_mid", {shares, "kernels=[\"mlo_chain\"]"}}});
}

TEST_CASE("the same where the port between DMA engine and SRAM decides") {
    const std::string port = "machine.pe.dma.bytes_per_cycle=8";
    check_alike_and_slower({{"programs/mesh_matmul_4x4", {port}}, {"multi_user_decode_mid", {port}}});
}

TEST_CASE("the same where each transfer goes over one of several networks") {
    const std::string networks =
        "machine.network.networks=[{\"name\":\"noc0\"},{\"name\":\"noc1\",\"routing\":[\"south_or_north\","
        "\"east_or_west\"]}]";
    const std::string two_by_four = "machine.cube={\"topology\":\"mesh\",\"rows\":2,\"cols\":4}";
    check_alike_and_slower(
        {{"programs/summa_multicast_2x4", {networks}},
         {"single_user_prefill_mid", {two_by_four, networks, "kernels=[\"ring_kv\",\"mesh_kv\",\"head_parallel\"]"}},
         {"multi_user_decode_mid", {networks, "kernels=[\"mlo_chain\"]"}}});
}

TEST_CASE("the same where PEs store into one slice, which writes what they send as it comes") {
    Settings settings = {"tensors.a.shape=[512,128]", "tensors.b.shape=[128,512]",
                         "tensors.c={\"shape\":[512,512],\"place\":{\"owner\":3}}", "kernels.0.program.grid=[8]"};
    for (const char* argument :
         {"arguments.M=512", "arguments.N=512", "arguments.K=128", "constants.ROWS=128", "constants.COLS=256"})
        settings.push_back(std::string("kernels.0.program.") + argument);
    Settings slow_slice = settings;
    slow_slice.push_back("machine.hbm.gbytes_per_s_per_channel=8");
    check_alike_and_slower({{"programs/matmul", settings}, {"programs/matmul", slow_slice}});
}

TEST_CASE("a path goes through a barrier by whoever came last, and has the lengths of what is on it") {
    const machine::MachineConfig config = test::counting_line();
    machine::MachineConfig slow = config;
    slow.pe.vector.cycles_per_element.fill(3.0);
    insight::Graph graph(config, {{"alike", config}, {"slow", slow}}, nullptr);
    machine::SimulationOptions options;
    options.follower = &graph;
    machine::Simulation simulation(config, options);
    graph.begin(simulation.machine().components());
    const auto early = [](tl::Context& tl) {
        tl.barrier();
        tl.wait(tl.full({4, 4}, 1.0F));  // 16 ns
    };
    const auto late = [](tl::Context& tl) {
        tl.wait(tl.full({10, 10}, 1.0F));  // 100 ns
        tl.barrier();
    };
    simulation.launch(0, "early", early, ValueMode::none);
    simulation.launch(1, "late", late, ValueMode::none);
    const machine::Outcome outcome = simulation.run();
    CHECK(to_nanoseconds(outcome.time) == 116.0);
    const report::CriticalPath path = graph.close(outcome.time);
    REQUIRE(path.shares.size() == 2);
    CHECK(path.shares[0] == report::PathShare{"fill", "machine.cube0.pe1.vector", "", from_nanoseconds(100)});
    CHECK(path.shares[1] == report::PathShare{"fill", "machine.cube0.pe0.vector", "", from_nanoseconds(16)});
    CHECK(path.sentence == "100 % fill on cube0.pe1");
    CHECK(graph.estimates()[0].estimated == outcome.time);
    CHECK(graph.estimates()[1].estimated == outcome.time * 3);
}

TEST_CASE("credits come back as late on another machine as its links are long") {
    const auto line = [](double latency_ns, int buffer) {
        return test::counting_line([=](Json& json) {
            json["network"]["link"]["latency_ns"] = latency_ns;
            json["network"]["receive_buffer_bytes"] = buffer;
            json["network"]["packet_bytes"] = 64;
        });
    };
    const auto sends = [](tl::Context& tl) { tl.send(tl::Direction::east, tl.full({16, 16}, 1.0F)); };  // 1024 bytes
    const auto receives = [](tl::Context& tl) {
        tl.wait(tl.full({32, 32}, 1.0F));  // 1024 ns, when 256 bytes have long been here
        tl.wait(tl.recv(tl::Direction::west, {16, 16}, Dtype::f32));
    };
    const test::Kernels kernels{{0, sends}, {1, receives}};
    const std::vector<machine::MachineConfig> others{line(1, 2048), line(400, 256), line(400, 2048)};
    insight::Graph graph(line(1, 256), {{"room", others[0]}, {"far", others[1]}, {"both", others[2]}}, nullptr);
    machine::SimulationOptions options;
    options.follower = &graph;
    machine::Simulation simulation(line(1, 256), options);
    graph.begin(simulation.machine().components());
    for (const auto& [pe, kernel] : kernels) simulation.launch(pe, "k", kernel, ValueMode::none);
    const machine::Outcome outcome = simulation.run();
    CHECK(graph.close(outcome.time).unexplained == Picoseconds());
    for (std::size_t i = 0; i < others.size(); ++i) {
        const double exact = to_nanoseconds(test::run_kernels(others[i], kernels).time);
        CAPTURE(i, to_nanoseconds(outcome.time));
        CHECK(to_nanoseconds(*graph.estimates()[i].estimated) == Approx(exact).epsilon(0.05));
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
        {"machine.pe.dma.descriptor_cycles=500"},
        {"machine.pe.dma.outstanding=1"},
        {"machine.network.receive_buffer_bytes=16384"},
        {"machine.pe.clock_ghz=2"},
    };
    // Where a kernel plans its order by the machine's rates, another machine gets another order, which no graph of
    // this one knows: so not all can be near. Its tiles, which it would plan too, are those of the measured run.
    int near = 0, all = 0;
    for (const std::string name : {"single_user_prefill_mid", "single_user_decode_mid", "programs/ring_attention",
                                   "programs/mesh_matmul_4x4", "programs/mesh_wave"}) {
        const run::Panel panel = panel_of(name, {});
        run::Wanted wanted{.critical_path = true};
        for (const Settings& change : changes)
            wanted.estimates.push_back({change.front(), panel_of(name, change).machine});
        for (std::size_t i = 0; i < panel.kernels.size(); ++i) {
            const auto measured = result_of(panel.kernels[i], wanted);
            for (std::size_t k = 0; k < changes.size(); ++k) {
                Settings there = changes[k];
                if (name.starts_with("single"))
                    there.push_back(fmt::format("kernels.{}={}", i, with_tiles(panel, i, measured).dump()));
                const double off = off_by(measured.what_if[k], result_of(panel_of(name, there).kernels[i], {}));
                CAPTURE(name, panel.kernels[i].label, changes[k].front(), 100.0 * off);
                CHECK(std::abs(off) < 0.4);
                CHECK((name.starts_with("single") || std::abs(off) < 0.06));
                near += std::abs(off) < 0.05 ? 1 : 0;
                ++all;
            }
        }
    }
    CAPTURE(near, all);
    CHECK(near * 100 >= all * 95);
}

TEST_CASE("one slow part is named, and what its removal gains is known") {
    struct Slow {
        std::string setting, mended, word;
        std::string spent;  // what most of the path is
        // Kernels of schedules plan their order by the rates of links and the room of the SRAM; programs do not.
        std::string panel = "single_user_prefill_mid";
    };
    const std::vector<Slow> machines = {
        {"machine.pe.matrix.speed.f16=0.1", "machine.pe.matrix.speed.f16=1", "matrix", "dot"},
        {"machine.pe.matrix.sram_bytes_per_cycle=64", "machine.pe.matrix.sram_bytes_per_cycle=2048", "matrix", "dot"},
        {"machine.pe.vector.lanes=16", "machine.pe.vector.lanes=1024", "vector", ""},
        {"machine.pe.vector.startup_cycles=5000", "machine.pe.vector.startup_cycles=16", "vector", ""},
        {"machine.pe.vector.cycles_per_element.exp2=300", "machine.pe.vector.cycles_per_element.exp2=8", "vector",
         "exp2"},
        {"machine.pe.issue_cycles=400", "machine.pe.issue_cycles=4", "issue", "issue"},
        {"machine.hbm.gbytes_per_s_per_channel=2", "machine.hbm.gbytes_per_s_per_channel=64", "HBM", "HBM"},
        {"machine.hbm.access_latency_ns=50000", "machine.hbm.access_latency_ns=0", "latency", "HBM latency"},
        {"machine.pe.dma.descriptor_cycles=10000", "machine.pe.dma.descriptor_cycles=2", "latency", "descriptor"},
        {"machine.pe.dma.bytes_per_cycle=8", "machine.pe.dma.bytes_per_cycle=1024", "", "SRAM port"},
        {"machine.network.link.gbytes_per_s=2", "machine.network.link.gbytes_per_s=256", "link", "link",
         "programs/ring_attention"},
        {"machine.network.link.latency_ns=100000", "machine.network.link.latency_ns=1", "latency", "link latency",
         "programs/ring_attention"},
        {"machine.pe.queue_depth=1", "machine.pe.queue_depth=16", "", ""},
        {"machine.pe.dma.outstanding=1", "machine.pe.dma.outstanding=8", "", ""},
        {"machine.pe.sram_bytes=20000", "machine.pe.sram_bytes=8388608", "", "", "programs/ring_attention"},
        {"machine.network.receive_buffer_bytes=4096", "machine.network.receive_buffer_bytes=262144", "", ""},
    };
    int near = 0;
    for (const Slow& slow : machines) {
        const run::Panel panel = panel_of(slow.panel, {slow.setting});
        const run::Panel mended = panel_of(slow.panel, {slow.setting, slow.mended});
        const auto result =
            result_of(panel.kernels.front(),
                      {.account = true, .critical_path = true, .estimates = {{slow.mended, mended.machine}}});
        const auto exact = result_of(mended.kernels.front(), {});
        const double off = off_by(result.what_if.front(), exact);
        CAPTURE(slow.setting, 100.0 * off, result.critical_path->sentence, result.bound);
        check_path(result);
        if (!slow.word.empty()) CHECK(result.bound == slow.word);
        if (!slow.spent.empty()) CHECK(result.critical_path->shares.front().spent == slow.spent);
        near += std::abs(off) < 0.05 ? 1 : 0;
    }
    CAPTURE(near);
    CHECK(near >= 15);
}

TEST_CASE("what made a program many times as slow is estimated away as well as it is run away") {
    struct Slow {
        std::string panel, key, slow, mended;
    };
    const std::string issue = "machine.pe.issue_cycles", router = "machine.network.router.cycle_ns",
                      link = "machine.network.link.gbytes_per_s", wire = "machine.network.link.latency_ns";
    // Ten and more refreshes of HBM lie in the slow runs, none in the mended ones.
    const std::vector<Slow> programs = {
        {"all_to_all", issue, "300", "4"},  {"all_to_all", link, "1", "256"},
        {"all_to_all", router, "100", "1"}, {"all_to_all", wire, "5000", "1"},
        {"all_reduce", issue, "300", "4"},  {"all_reduce", link, "1", "256"},
        {"all_reduce", router, "100", "1"}, {"all_reduce", wire, "5000", "1"},
        {"summa_2x4", router, "100", "1"},  {"softmax", "machine.hbm.access_latency_ns", "1500", "0"},
        {"summa_2x4", wire, "5000", "1"},   {"summa_2x4", link, "1", "256"},
        {"summa_2x4", issue, "300", "4"},
    };
    for (const Slow& one : programs) {
        const std::string name = "programs/" + one.panel;
        const run::Panel panel = panel_of(name, {one.key + "=" + one.slow});
        const run::Panel mended = panel_of(name, {one.key + "=" + one.mended});
        const auto result =
            result_of(panel.kernels.front(), {.critical_path = true, .estimates = {{"mended", mended.machine}}});
        const auto exact = result_of(mended.kernels.front(), {});
        CAPTURE(one.panel, one.key, result.time.value(), exact.time.value());
        CHECK(result.time.value() > 2 * exact.time.value());
        CHECK(std::abs(off_by(result.what_if.front(), exact)) < 0.05);
    }
}
