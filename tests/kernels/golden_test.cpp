// SPDX-License-Identifier: Apache-2.0
// Kernels against attention computed in f64 by an independent framework, with its inputs: the reference that judges a
// run agrees with the file (golden_test of tests/attention), so here the outputs themselves are held against it.
#include "sim/base/safetensors.h"
#include "tests/attention/cases.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace kernel_test;

namespace {

const std::string golden_file = TILEMESH_TEST_DATA "/attention_golden.safetensors";

const std::vector<std::string> cases = {
    "full_gqa",         "full_gqa_cross", "full_mla_dims", "full_mha",
    "decode_gqa",       "grad_full_mha",  "causal_gqa",    "causal_chunked_prefill_gqa",
    "large_logits_gqa", "grad_causal_gqa"};

Json golden_problem(const Json& parameters) {
    Json user = {{"keys", parameters["keys"]}, {"queries", parameters["queries"]}};
    if (parameters.contains("query_offset")) user["query_offset"] = parameters["query_offset"];
    return {{"heads_q", parameters["heads_q"]},
            {"heads_kv", parameters["heads_kv"]},
            {"head_dim", parameters["head_dim"]},
            {"value_dim", parameters["value_dim"]},
            {"dtype", "f16"},
            {"scale", parameters["scale"]},
            {"users", Json::array({user})},
            {"mask", {{"kind", parameters["mask_kind"]}}}};
}

}  // namespace

TEST_CASE("every kernel reproduces every golden case whose mask is full or causal") {
    const SafetensorsFile golden(golden_file);
    for (const std::string& name : cases) {
        const Json parameters = Json::parse(golden.metadata().at(name));
        const std::vector<float> o = golden.read_floats(name + ".o"), lse = golden.read_floats(name + ".lse");
        for (const int n : {1, 5, 8}) {
            Json json = panel_of(line_of(n), golden_problem(parameters), exact_kernels());
            json["inputs"] = {{"tensors", golden_file}, {"prefix", name + "."}};
            Experiment experiment(json);
            for (const std::size_t kernel : experiment.accepted()) {
                CAPTURE(name, n, experiment.choice(kernel).kernel);
                const Ran ran = experiment.run(kernel);
                CHECK(ran.result.verdict.pass);
                const double error = relative_l2(ran.output("user0.o"), o);
                CHECK(error <= 4e-4);
                // The reference of the run is that of the file: both see the same error, to the rounding of the file.
                CHECK(error == Approx(ran.result.verdict.relative_l2).epsilon(1e-3));
                const std::vector<float>& got = ran.output("user0.lse");
                REQUIRE(got.size() == lse.size());
                double worst = 0.0;
                for (std::size_t i = 0; i < lse.size(); ++i)
                    worst = std::max(worst, std::abs(got[i] - static_cast<double>(lse[i])) /
                                                std::max(1.0, std::abs(static_cast<double>(lse[i]))));
                CHECK(worst <= 1e-4);
            }
        }
    }
}

TEST_CASE("the list of golden cases leaves out none whose mask is full or causal") {
    const SafetensorsFile golden(golden_file);
    std::size_t full_or_causal = 0;
    for (const auto& [name, text] : golden.metadata()) {
        const std::string mask = Json::parse(text)["mask_kind"];
        full_or_causal += mask == "full" || mask == "causal" ? 1 : 0;
    }
    CHECK(full_or_causal == cases.size());
}

TEST_CASE("a mask that no panel can name yet needs nothing from the kernels: causal with a window of 33 keys") {
    const std::string name = "window_gqa";
    const SafetensorsFile golden(golden_file);
    Json parameters = Json::parse(golden.metadata().at(name));
    REQUIRE(parameters["window"] == 33);
    parameters["mask_kind"] = "causal";
    const auto window = std::make_shared<attention::NotLongAgo>(33);
    for (const int n : {1, 4, 9}) {
        Json json = panel_of(line_of(n), golden_problem(parameters), exact_kernels());
        json["inputs"] = {{"tensors", golden_file}, {"prefix", name + "."}};
        Experiment experiment(json, attention::all_of({attention::causal_mask(), window}));
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(n, experiment.choice(kernel).kernel);
            const Ran ran = experiment.run(kernel);
            CHECK(ran.result.verdict.pass);
            CHECK(relative_l2(ran.output("user0.o"), golden.read_floats(name + ".o")) <= 4e-4);
        }
    }
}
