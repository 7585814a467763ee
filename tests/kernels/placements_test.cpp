// SPDX-License-Identifier: Apache-2.0
// Does it matter where ranks stand? PEs, cubes, one PE of a cube; in order, reversed, anywhere; on any topology.
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <set>

using namespace kernel_test;

namespace {

Json small_cubes() {
    return {{"base", "machines/cubes_4x4.json"},
            {"cube", {{"topology", "mesh"}, {"rows", 1}, {"cols", 3}}},
            {"cubes", {{"topology", "mesh"}, {"rows", 2}, {"cols", 2}}}};
}

void all_kernels_pass(const Json& machine, const Json& ranks, const std::string& mask) {
    Json json = panel_of(machine, distinct_problem(mask), exact_kernels());
    json["ranks"] = ranks;
    Experiment experiment(json);
    for (const std::size_t kernel : experiment.accepted()) {
        CAPTURE(experiment.choice(kernel).kernel, json.dump());
        const Ran ran = experiment.run(kernel);
        CHECK(ran.result.verdict.why == "");
        CHECK(ran.result.verdict.pass);
    }
}

}  // namespace

TEST_CASE("a rank may be a PE, a cube whose PEs divide the heads, or the first PE of a cube") {
    for (const char* mask : {"full", "causal"}) {
        for (const char* unit : {"pe", "cube", "cube_pe0"}) {
            all_kernels_pass(small_cubes(), {{"unit", unit}}, mask);
            all_kernels_pass(small_cubes(), {{"unit", unit}, {"count", 3}}, mask);
        }
    }
}

TEST_CASE("PEs of a cube that own more heads than others send as many messages more") {
    Json problem = distinct_problem("causal");
    problem["heads_q"] = 10;
    problem["heads_kv"] = 5;  // 2, 2 and 1
    Json kernels = Json::array();
    for (const char* const kernel : {"pass_q", "mesh_mlo", "mlo_doubling", "mesh_kv"})
        kernels.push_back({{"kernel", kernel}, {"tile_heads", 1}});
    Json json = panel_of(small_cubes(), problem, kernels);
    json["ranks"] = {{"unit", "cube"}};
    Experiment experiment(json);
    REQUIRE(experiment.accepted().size() == kernels.size());
    for (const std::size_t kernel : experiment.accepted()) {
        CAPTURE(experiment.choice(kernel).kernel);
        CHECK(experiment.run(kernel).result.verdict.pass);
    }
}

TEST_CASE("ranks may stand in order, reversed, or on any list of units") {
    for (const char* mask : {"full", "causal"}) {
        all_kernels_pass(line_of(7), {{"placement", "reversed"}}, mask);
        all_kernels_pass(line_of(7), {{"placement", "reversed"}, {"count", 5}}, mask);
        all_kernels_pass(line_of(7), {{"placement", {3, 0, 6, 1, 5}}}, mask);
        all_kernels_pass(small_cubes(), {{"unit", "cube"}, {"placement", {2, 0, 3}}}, mask);
        all_kernels_pass(small_cubes(), {{"unit", "cube_pe0"}, {"placement", {3, 1, 0, 2}}}, mask);
        all_kernels_pass(small_cubes(), {{"unit", "pe"}, {"placement", {11, 4, 2, 7, 0}}}, mask);
    }
}

TEST_CASE("ranks may stand along any of the named curves") {
    for (const char* placement : {"snake", "folded", "heavy_middle", "hilbert"}) {
        CAPTURE(placement);
        all_kernels_pass(line_of(7), {{"placement", placement}, {"count", 5}}, "causal");
        all_kernels_pass(small_cubes(), {{"unit", "pe"}, {"placement", placement}}, "full");
        all_kernels_pass(small_cubes(), {{"unit", "cube"}, {"placement", placement}, {"count", 3}}, "causal");
    }
}

TEST_CASE("every topology carries every kernel") {
    for (const char* topology : {"ring", "mesh", "torus", "all_to_all"}) {
        const int rows = topology == std::string("ring") ? 1 : 2;
        const Json machine = {{"base", "machines/cube_line8.json"},
                              {"cube", {{"topology", topology}, {"rows", rows}, {"cols", 6 / rows}}}};
        for (const char* mask : {"full", "causal"}) all_kernels_pass(machine, Json::object(), mask);
    }
}

TEST_CASE("placement moves bytes, not values: reversed ranks give the same output") {
    Json json = panel_of(line_of(5), distinct_problem("causal"), exact_kernels());
    Experiment forward(json);
    json["ranks"] = {{"placement", "reversed"}};
    Experiment backward(json);
    // Schedules that follow the line of PEs meet chunks in another order then: the same within rounding.
    const std::set<std::string> in_line_order{"all_gather_kv", "pass_q", "pass_q_merging"};
    for (const std::size_t kernel : forward.accepted()) {
        CAPTURE(forward.choice(kernel).kernel);
        const Ran a = forward.run(kernel), b = backward.run(kernel);
        CHECK(relative_l2(b.output("user0.o"), a.output("user0.o")) <= 4e-4);
        CHECK(greatest_difference(b.output("user0.lse"), a.output("user0.lse")) <= 1e-5);
        if (in_line_order.count(forward.choice(kernel).kernel) == 0) CHECK(a.outputs == b.outputs);
    }
}
