// SPDX-License-Identifier: Apache-2.0
// Schedules run as launches of their own: right answers for every schedule of chunks, costs counted once per launch,
// and fused kernels that no launch cost touches.
#include "sim/base/error.h"
#include "sim/probe/launched.h"
#include "sim/run/resolve.h"
#include "tests/kernels/experiment.h"
#include "tests/language/says.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace kernel_test;
using tilemesh::test::says;

namespace {

const std::vector<std::string> schedules = {"mesh_kv", "ring_kv", "ring_kv_bidirectional", "ring_kv_halved",
                                            "all_gather_kv"};

Json choice(const std::string& kernel, const std::string& launches) {
    return {{"kernel", kernel}, {"launches", launches}};
}

/// Time of ring_kv on a line of 4 with a full mask, launch by launch, where only compute and launches take time.
double ring_ns(const Json& launch, const std::string& launches = "overlapped") {
    Json machine = line_of(4, "ideal_line");
    machine["pe"]["launch"] = launch;
    Json panel = panel_of(machine, distinct_problem("full"), Json::array({choice("ring_kv", launches)}));
    panel["problem"]["users"] = Json::array({{{"keys", 64}, {"queries", 64}}});
    panel["values"] = {{"mode", "none"}};
    return to_nanoseconds(Experiment(panel).run().result.time);
}

machine::MachineConfig shipped(const std::string& name) {
    const std::string file = std::string(TILEMESH_CONFIGS) + "/machines/" + name + ".json";
    const Json machine = run::resolve_machine_file(file).json;
    return machine::read_machine(JsonReader(machine, file));
}

}  // namespace

TEST_CASE("launch by launch every schedule of chunks has the right answer") {
    const std::string mask = GENERATE("full", "causal");
    const std::string sharding = GENERATE("contiguous", "zigzag", "striped");
    const std::string launches = GENERATE("overlapped", "continued", "waited");
    CAPTURE(mask, sharding, launches);
    Json kernels = Json::array();
    for (const std::string& name : schedules) kernels.push_back(choice(name, launches));
    Json panel = panel_of(line_of(4), distinct_problem(mask), kernels);
    panel["ranks"]["sharding"] = sharding;
    Experiment experiment(panel);
    for (std::size_t k = 0; k < experiment.kernels(); ++k) {
        CAPTURE(experiment.choice(k).label);
        CHECK(experiment.run(k).result.verdict.pass);
    }
}

TEST_CASE("rows that see nothing, and a running output in bf16, are merged as they are") {
    Json problem = distinct_problem("full");
    problem["mask"] = {{"kind", "dilated"}, {"segment", 9}, {"dilation", 4}};
    Json rounded = choice("ring_kv", "overlapped");
    rounded["state_dtype"] = "bf16";
    Experiment experiment(panel_of(line_of(3), problem, Json::array({choice("mesh_kv", "overlapped"), rounded})));
    CHECK(experiment.run(0).result.verdict.pass);
    CHECK(experiment.run(1).result.verdict.pass);
}

TEST_CASE("what launches cost makes the bound of a fused kernel no lower, and that of launches no higher") {
    Json machine = line_of(4);
    const auto bound = [&](const char* launches) {
        Json panel = panel_of(machine, distinct_problem("causal"), Json::array({choice("mesh_kv", launches)}));
        return Experiment(panel).run().result.schedule_bound.time;
    };
    const Picoseconds fused = bound("fused"), launched = bound("overlapped");
    CHECK(launched < fused);  // it knows nothing that is paid beside the rates
    machine["pe"]["launch"] = {{"simple_ns", 1000}, {"attention_ns", 1000}};
    CHECK(bound("fused") == fused);
    CHECK(bound("overlapped") == launched);
}

TEST_CASE("every launch is paid once") {
    const double base = ring_ns({{"attention_ns", 1000}});
    // 4 block products; 3 exchanges of a message each way; the first result is copied, the other 3 are merged in two
    // launches each, and at the end the result is rounded.
    CHECK(ring_ns({{"attention_ns", 3000}}) - base == Approx(4 * 2000.0));
    CHECK(ring_ns({{"attention_ns", 1000}, {"exchange_ns", 500}}) - base == Approx(3 * 500.0));
    CHECK(ring_ns({{"attention_ns", 1000}, {"exchange_message_ns", 500}}) - base == Approx(3 * 2 * 500.0));
    CHECK(ring_ns({{"attention_ns", 1000}, {"simple_ns", 700}}) - base ==
          Approx((1 + 3 * 2 + 1) * 700.0).margin(1.0));
}

TEST_CASE("continued, a block product goes on from the results before it: nothing is merged") {
    const auto ns = [](const Json& launch) { return ring_ns(launch, "continued"); };
    const double base = ns({{"attention_ns", 1000}});
    CHECK(ns({{"attention_ns", 3000}}) - base == Approx(4 * 2000.0));
    CHECK(ns({{"attention_ns", 1000}, {"exchange_ns", 500}}) - base == Approx(3 * 500.0));
    CHECK(ns({{"attention_ns", 1000}, {"simple_ns", 700}}) == base);
    Json problem = distinct_problem("causal");
    problem["users"] = Json::array({{{"keys", 40}, {"queries", 40}}, {{"keys", 61}, {"queries", 17}}});
    Json machine = line_of(3);
    for (const std::uint64_t sram : {std::uint64_t{1} << 16, std::uint64_t{1} << 22}) {
        machine["pe"]["sram_bytes"] = sram;
        Experiment experiment(panel_of(machine, problem, Json::array({choice("ring_kv", "continued")})));
        CHECK(experiment.run(0).result.verdict.pass);
    }
}

TEST_CASE("a chip's cores are dealt blocks of one head after the other, each with the chunks that it sees") {
    Json machine = line_of(1, "ideal_line");
    machine["pe"]["launch"] = {{"cores", {{"count", 8}, {"chunk_cycles", 1e6}}}};
    machine["pe"]["clock_ghz"] = 1.0;
    machine["pe"]["vector"]["lanes"] = 1 << 30;
    machine["pe"]["vector"]["startup_cycles"] = 0;
    Json panel = panel_of(machine, distinct_problem("causal"), Json::array({choice("ring_kv", "continued")}));
    panel["problem"]["heads_q"] = 4;
    panel["problem"]["heads_kv"] = 2;
    panel["problem"]["users"] = Json::array({{{"keys", 64}, {"queries", 64}}});
    panel["kernels"][0]["tile_queries"] = 16;
    panel["kernels"][0]["tile_keys"] = 32;
    panel["values"] = {{"mode", "none"}};
    const auto chunks = [&] { return std::round(to_nanoseconds(Experiment(panel).run().result.time) / 1e6); };
    // 4 heads of blocks that see 1, 1, 2 and 2 chunks, two blocks to each core: the third and fourth go together.
    CHECK(chunks() == 2 + 2);
    panel["machine"]["pe"]["launch"]["cores"]["dealt"] = "paired";
    CHECK(chunks() == 1 + 2);
    panel["machine"]["pe"]["launch"]["cores"]["count"] = 16;
    CHECK(chunks() == 2);
}

TEST_CASE("gradients are not continued") {
    const auto refusal = [] {
        try {
            Experiment(panel_of(line_of(2), distinct_problem("full"),
                                Json::array({choice("ring_kv_backward", "continued")})))
                .arrangement();
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    }();
    CHECK_THAT(refusal, says("no running results to continue, expected fused, overlapped or waited"));
}

TEST_CASE("launch costs touch no kernel that is one program") {
    Json machine = line_of(4);
    const auto timing = [&](const std::string& without) {
        Json panel = panel_of(machine, distinct_problem("causal"), Json::array({"mesh_kv", "ring_kv", "pass_q"}));
        panel["values"] = {{"mode", "none"}};
        Experiment experiment(panel);
        std::string text;
        for (std::size_t k = 0; k < experiment.kernels(); ++k) {
            report::KernelResult result = experiment.run(k).result;
            std::erase_if(result.components, [&](const report::ComponentResult& part) {
                if (part.kind != without) return false;
                CHECK(part.activities == 0);
                return true;
            });
            text += timing_of(result);
        }
        return text;
    };
    const std::string before = timing("");
    machine["pe"]["launch"] = {{"simple_ns", 1e4}, {"attention_ns", 1e4}, {"exchange_ns", 1e4}, {"units", 132}};
    CHECK(timing("launch") == before);
}

TEST_CASE("launch by launch, cycles do not depend on values, on repetition, or on the order of construction") {
    Json panel = panel_of(line_of(4), distinct_problem("causal"),
                          Json::array({choice("mesh_kv", "overlapped"), choice("mesh_kv", "waited")}));
    panel["machine"]["pe"]["launch"] = {{"simple_ns", 100},  {"attention_ns", 300}, {"exchange_ns", 200},
                                        {"copy_share", 0.5}, {"units", 3},          {"blocks_per_unit", 2}};
    Experiment full(panel);
    panel["values"] = {{"mode", "none"}};
    Experiment none(panel);
    for (std::size_t k = 0; k < none.kernels(); ++k) {
        const std::string timing = timing_of(none.run(k).result);
        CHECK(timing_of(none.run(k).result) == timing);
        CHECK(timing_of(full.run(k).result) == timing);
        CHECK(timing_of(simulate(none, k, true).outcome) == timing_of(simulate(none, k, false).outcome));
    }
}

TEST_CASE("kernels whose partial results or queries travel have no launches of their own") {
    const auto refusal = [] {
        try {
            Experiment(panel_of(line_of(3), distinct_problem("full"), Json::array({choice("pass_q", "waited")})))
                .arrangement();
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    }();
    CHECK_THAT(refusal, says("pass_q is one program and has no other form, expected fused"));
}

TEST_CASE("an exchange takes its start and its bytes over the rate of the link") {
    const machine::MachineConfig machine = shipped("h200_x4");
    const pe::LaunchConfig& launch = machine.pe.launch;
    const double start = to_nanoseconds(launch.exchange + 2 * launch.exchange_message);
    const auto shift_ns = [&](std::uint64_t bytes) {
        return to_nanoseconds(probe::time_of_shift(machine, bytes, false));
    };
    const std::uint64_t bytes = std::uint64_t{32} << 20;
    const double on_link = to_nanoseconds(machine.network.link.rate.time_for(Bytes(bytes)));
    CHECK(shift_ns(2048) >= start);
    CHECK(shift_ns(2048) <= 1.1 * start);
    CHECK(shift_ns(2 * bytes) - shift_ns(bytes) == Approx(on_link).epsilon(0.01));
}

TEST_CASE("launch by launch every backward schedule has the right gradients") {
    const std::string mask = GENERATE("full", "causal");
    const std::string sharding = GENERATE("contiguous", "zigzag", "striped");
    const std::string launches = GENERATE("overlapped", "waited");
    CAPTURE(mask, sharding, launches);
    Json kernels = Json::array();
    for (const char* const name : {"ring_kv_backward", "mesh_kv_backward", "attention_backward"}) {
        Json one = choice(name, launches);
        one["tile_queries"] = 16;
        one["tile_keys"] = 8;
        kernels.push_back(one);
    }
    Json panel = panel_of(line_of(4), distinct_problem(mask), kernels);
    panel["ranks"]["sharding"] = sharding;
    Experiment experiment(panel);
    for (std::size_t k = 0; k < experiment.kernels(); ++k) {
        CAPTURE(experiment.choice(k).label);
        CHECK(experiment.run(k).result.verdict.pass);
    }
}

TEST_CASE("gradients of sinks and of several users are right launch by launch, in whatever SRAM") {
    Json problem = distinct_problem("causal");
    problem["sink"] = {{"std", 1.0}};
    problem["users"] = Json::array({{{"keys", 40}, {"queries", 40}}, {{"keys", 61}, {"queries", 17}}});
    Json machine = line_of(3);
    for (const std::uint64_t sram : {std::uint64_t{1} << 17, std::uint64_t{1} << 22}) {
        machine["pe"]["sram_bytes"] = sram;
        Experiment experiment(panel_of(machine, problem, Json::array({choice("ring_kv_backward", "overlapped")})));
        CHECK(experiment.run(0).result.verdict.pass);
    }
}

TEST_CASE("every launch of a backward pass is paid once") {
    const auto ns = [](const Json& launch) {
        Json machine = line_of(4, "ideal_line");
        machine["pe"]["launch"] = launch;
        Json panel =
            panel_of(machine, distinct_problem("full"), Json::array({choice("ring_kv_backward", "overlapped")}));
        panel["problem"]["users"] = Json::array({{{"keys", 64}, {"queries", 64}}});
        panel["values"] = {{"mode", "none"}};
        return to_nanoseconds(Experiment(panel).run().result.time);
    };
    const double base = ns({{"gradients_ns", 1000}});
    // 4 block products. Chunks are exchanged 3 times and gradients 3 times, the last of them behind all products.
    CHECK(ns({{"gradients_ns", 3000}}) - base == Approx(4 * 2000.0));
    CHECK(ns({{"gradients_ns", 1000}, {"attention_ns", 500}}) == base);
    CHECK(ns({{"gradients_ns", 1000}, {"exchange_ns", 500}}) - base == Approx(6 * 500.0));
    // dq of each product goes to the sum, each of 3 gradients that arrive is added, and dq is rounded. The last
    // gradient is on its way while its launch starts: 16 keys of 2 heads with 64 columns in f32 at 128 bytes a
    // nanosecond.
    CHECK(ns({{"gradients_ns", 1000}, {"simple_ns", 700}}) - base ==
          Approx((4 + 3 + 1) * 700.0 - 16 * 2 * 64 * 4 / 128.0).margin(1.0));
}
