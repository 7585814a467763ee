// SPDX-License-Identifier: Apache-2.0
// Panels of spread products from text to result: verdicts, bounds, what is refused.
#include "sim/base/random.h"
#include "sim/report/bound_terms.h"
#include "sim/workloads/product/product_run.h"
#include "tests/collective/kind_panels.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

namespace {

const workloads::ProductKind kind;

Json panel_of(const Json& machine, const Json& problem, const Json& kernels = {"multicast_2d"}) {
    return {{"name", "p"}, {"machine", machine}, {"problem", problem}, {"kernels", kernels}};
}
Json problem_of(std::uint64_t m, std::uint64_t k, std::uint64_t n) { return {{"m", m}, {"k", k}, {"n", n}}; }
run::Panel read(const Json& panel) { return example::read_of_kind(kind, panel); }
report::KernelResult result_of(const Json& json, std::size_t number = 0) {
    return example::run_of_kind(kind, json, number);
}
std::string refusal(const Json& json) {
    try {
        const run::Panel panel = read(json);
        for (const run::Entry& entry : panel.kernels) entry.workload->check(entry.number);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}
bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("random products on every chip are right and above their bounds") {
    std::uint64_t drawn = 0;
    const auto any = [&](std::uint64_t below) { return random_below(7, 0, drawn++, below); };
    for (int i = 0; i < 60; ++i) {
        Json problem = problem_of(1 + any(3000), 1 + any(3000), 1 + any(3000));
        problem["dtype"] = product::format_words()[any(3)];
        problem["fidelity"] = product::fidelity_words()[any(3)];
        problem["in0"] = any(2) == 0 ? "dram" : "sram";
        problem["out"] = any(2) == 0 ? "dram" : "sram";
        problem["repeats"] = 1 + any(1000);
        const char* const machines[] = {"wormhole_n150", "blackhole_p150_13x10", "blackhole_p150_11x10"};
        Json panel = panel_of(machines[any(3)], problem);
        panel["values"] = {{"mode", "sampled"}, {"rows", 1}};
        CAPTURE(panel.dump());
        const report::KernelResult result = result_of(panel);
        CHECK(result.verdict.pass);
        CHECK(result.time >= result.machine_bound.time);
        CHECK(result.time >= result.schedule_bound.time);
        CHECK(result.schedule_bound.time >= result.machine_bound.time);
    }
}

TEST_CASE("the largest term of a bound binds, of equal ones the first") {
    const auto binding = [](std::uint64_t matrix, std::uint64_t hbm, std::uint64_t link) {
        return report::largest_of(
                   {{"matrix", Picoseconds(matrix)}, {"HBM", Picoseconds(hbm)}, {"link", Picoseconds(link)}})
            .binding;
    };
    CHECK(binding(5, 7, 6) == "HBM");
    CHECK(binding(5, 7, 7) == "HBM");
    CHECK(binding(7, 7, 7) == "matrix");
    CHECK(binding(0, 0, 0) == "matrix");
}

TEST_CASE("flops, utilisation and bytes of a result are those of the problem") {
    Json problem = problem_of(2048, 3072, 3072);
    problem["fidelity"] = "HiFi4";
    const report::KernelResult result = result_of(panel_of("wormhole_n150", problem));
    CHECK(result.flops == std::uint64_t{2} * 2048 * 3072 * 3072);
    // 64 cores, 4,096 operations in four passes: 65.5 TFLOP/s.
    CHECK(result.matrix_utilisation == Approx(result.tflops_per_s / 65.536));
    CHECK(result.machine_bound.binding == "matrix");
    CHECK(result.sram_peak > Bytes(1000000));
    CHECK(result.sram_peak <= Bytes(1400000));
    CHECK(result.hbm_bytes >= Bytes((2048 * 3072 + 3072 * 3072 + 2048 * 3072) * 2));
}

TEST_CASE("what a PE multiplies is its own part of the result, and PEs beyond the last column multiply nothing") {
    // 10 x 3 tiles on 10 rows of 13 PEs, two products of tiles for each.
    const report::KernelResult result = result_of(panel_of("blackhole_p150_13x10", problem_of(320, 64, 96)));
    std::uint64_t pe = 0;
    for (const report::ComponentResult& part : result.components) {
        if (part.kind != "matrix") continue;
        CAPTURE(part.path);
        CHECK(part.work == (pe % 13 < 3 ? std::uint64_t{2} * 32 * 32 * 32 : 0));
        ++pe;
    }
    CHECK(pe == 130);
}

TEST_CASE("blocks that a panel gives are used, and the ones that are found are no slower") {
    const Json given = {
        {"kernel", "multicast_2d"}, {"label", "mine"}, {"block_m", 64}, {"block_n", 96}, {"block_k", 128}};
    const Json panel = panel_of("wormhole_n150", problem_of(2048, 2048, 3072), {"multicast_2d", given});
    const report::KernelResult mine = result_of(panel, 1);
    CHECK(mine.options ==
          std::vector<std::pair<std::string, std::uint64_t>>{{"block_m", 64}, {"block_n", 96}, {"block_k", 128}});
    CHECK(says(mine.note, "4 x 4 blocks a PE of at most 64 x 96, 128 of K"));
    CHECK(mine.time > result_of(panel, 0).time);
}

TEST_CASE("shapes that do not divide the grid pay for the PE that has the most") {
    const auto time = [](std::uint64_t m) {
        Json problem = problem_of(m, 2048, 2048);
        problem["out"] = "sram";
        return result_of(panel_of("wormhole_n150", problem)).time;
    };
    CHECK(time(2048) == time(2048 - 200));
    CHECK(time(2048 + 1) > time(2048));
}

TEST_CASE("products that nobody can run are refused with their place") {
    const Json good = problem_of(512, 512, 512);
    const Json given = {{"kernel", "multicast_2d"}, {"block_m", 4096}, {"block_n", 4096}, {"block_k", 4096}};
    CHECK(says(refusal(panel_of("cube_2x4", good)), "give it `products`"));
    CHECK(says(refusal(panel_of("wormhole_n150", problem_of(1 << 16, 1 << 16, 1 << 16), Json::array({given}))),
               "/kernels/0: blocks of 4096 x 4096, 4096 of K need"));
    Json kept = problem_of(1 << 16, 1 << 16, 512);
    kept["in0"] = "sram";
    CHECK(says(refusal(panel_of("wormhole_n150", kept)), "leave in0 or out in dram"));
    Json odd = given;
    odd["block_m"] = 33;
    CHECK(says(refusal(panel_of("wormhole_n150", good, Json::array({odd}))), "a multiple of 32"));
    Json alone = {{"kernel", "multicast_2d"}, {"block_m", 64}};
    CHECK(says(refusal(panel_of("wormhole_n150", good, Json::array({alone}))), "block_n"));
    Json misspelt = good;
    misspelt["fidelty"] = "LoFi";
    CHECK(
        says(refusal(panel_of("wormhole_n150", misspelt)), "/problem/fidelty: unknown key, did you mean fidelity?"));
    misspelt = good;
    misspelt["fidelity"] = "HiFi3";
    CHECK(says(refusal(panel_of("wormhole_n150", misspelt)), "/problem/fidelity"));
    CHECK(says(
        refusal(panel_of({{"base", "wormhole_n150"}, {"products", {{"sustained", {{"clock_ghz", 2.0}}}}}}, good)),
        "expected at most that"));
    Json long_ones = problem_of(1 << 20, 1 << 20, 1 << 20);
    long_ones["repeats"] = 1 << 30;
    const Json wide = {{"kernel", "multicast_2d"}, {"block_m", 512}, {"block_n", 512}, {"block_k", 64}};
    CHECK(says(refusal(panel_of("wormhole_n150", long_ones, Json::array({wide}))), "take fewer repeats"));
    long_ones["repeats"] = 10;
    CHECK(refusal(panel_of("wormhole_n150", long_ones, Json::array({wide}))).empty());
    const Json slow = {{"base", "wormhole_n150"},
                       {"cube", {{"rows", 1}, {"cols", 1}}},
                       {"products", {{"sustained", {{"clock_ghz", 0.001}}}}},
                       {"pe", {{"clock_ghz", 0.001}}}};
    long_ones["repeats"] = 1;
    CHECK(says(refusal(panel_of(slow, long_ones, Json::array({wide}))), "days"));
    Json full = panel_of("wormhole_n150", problem_of(4096, 4096, 4096));
    full["values"] = {{"mode", "full"}};
    CHECK(says(refusal(full), "take sampled or none"));
}

TEST_CASE("a critical path or a trace of a spread product is refused, not made up") {
    const run::Panel panel = read(panel_of("wormhole_n150", problem_of(512, 512, 512)));
    const run::Entry& entry = panel.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    run::Wanted wanted;
    wanted.critical_path = true;
    CHECK_THROWS_AS(entry.workload->run(entry.number, *prepared, wanted), KernelError);
}
