// SPDX-License-Identifier: Apache-2.0
// Problems of unusual shape against attention computed in f64 by an independent program: queries before the first
// key.
#include "sim/base/safetensors.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace kernel_test;

namespace {

const std::string golden_file = TILEMESH_TEST_DATA "/attention_golden_variants.safetensors";

/// Every kernel that accepts the case, on `n` ranks.
Json golden_panel(const Json& parameters, const std::string& name, int n) {
    Json user = {{"keys", parameters["keys"]}, {"queries", parameters["queries"]}};
    const Json problem = {{"heads_q", parameters["heads_q"]},
                          {"heads_kv", parameters["heads_kv"]},
                          {"head_dim", parameters["head_dim"]},
                          {"value_dim", parameters["value_dim"]},
                          {"scale", parameters["scale"]},
                          {"users", Json::array({user})},
                          {"mask", {{"kind", parameters["mask_kind"]}}}};
    Json json = panel_of(line_of(n), problem, exact_kernels());
    json["inputs"] = {{"tensors", golden_file}, {"prefix", name + "."}};
    return json;
}

double greatest_lse_error(const std::vector<float>& found, const std::vector<float>& expected) {
    double worst = found.size() == expected.size() ? 0.0 : INFINITY;
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
        if (found[i] == expected[i]) continue;  // two infinities
        const double error = std::abs(found[i] - static_cast<double>(expected[i]));
        worst = std::max(worst, error / std::max(1.0, std::abs(static_cast<double>(expected[i]))));
    }
    return worst;
}

}  // namespace

TEST_CASE("golden cases of unusual shape are met by every kernel that can carry them, three schedules at least") {
    const SafetensorsFile golden(golden_file);
    for (const std::string name : {"bottom_right_causal"}) {
        const Json parameters = Json::parse(golden.metadata().at(name));
        const std::vector<float> o = golden.read_floats(name + ".o"),
                                 lse = golden.read_floats(name + ".lse", Infinity::allowed);
        for (const int n : {1, 4, 7}) {
            Experiment experiment(golden_panel(parameters, name, n));
            // The file gives an offset where the default would be another.
            if (parameters.contains("query_offset"))
                CHECK(experiment.panel().problem.users[0].query_offset == parameters["query_offset"]);
            const std::vector<std::size_t> accepted = experiment.accepted();
            CHECK(accepted.size() >= 12);
            for (const std::size_t kernel : accepted) {
                CAPTURE(name, n, experiment.choice(kernel).kernel);
                const Ran ran = experiment.run(kernel);
                CHECK(ran.result.verdict.pass);
                CHECK(relative_l2(ran.output("user0.o"), o) <= 4e-4);
                CHECK(greatest_lse_error(ran.output("user0.lse"), lse) <= 1e-4);
            }
        }
    }
}
