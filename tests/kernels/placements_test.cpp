// SPDX-License-Identifier: Apache-2.0
// Does it matter where ranks stand? PEs, cubes, one PE of a cube; in order, reversed, anywhere; on any topology.
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

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
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
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
    for (std::size_t kernel = 0; kernel < forward.kernels(); ++kernel) {
        CAPTURE(forward.choice(kernel).kernel);
        CHECK(forward.run(kernel).outputs == backward.run(kernel).outputs);
    }
}
