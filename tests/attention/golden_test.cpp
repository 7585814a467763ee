// SPDX-License-Identifier: Apache-2.0
// The reference against attention computed in f64 by an independent framework. Every case whose mask a panel can name
// is taken, with its parameters from the file itself.
#include "cases.h"
#include "sim/attention/masks/kinds.h"
#include "sim/attention/reference.h"
#include "sim/base/safetensors.h"

#include <algorithm>
#include <cmath>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

const std::filesystem::path golden_file = std::filesystem::path(TILEMESH_TEST_DATA) / "attention_golden.safetensors";

Problem problem_of(const Json& parameters) {
    Json user = {{"keys", parameters["keys"]}, {"queries", parameters["queries"]}};
    if (parameters.contains("query_offset")) user["query_offset"] = parameters["query_offset"];
    const Json problem = {{"heads_q", parameters["heads_q"]},
                          {"heads_kv", parameters["heads_kv"]},
                          {"head_dim", parameters["head_dim"]},
                          {"value_dim", parameters["value_dim"]},
                          {"dtype", "f16"},
                          {"scale", parameters["scale"]},
                          {"users", Json::array({user})},
                          {"mask", {{"kind", parameters["mask_kind"]}}}};
    return read_problem(JsonReader(problem, "golden", ""));
}

bool is_named(const std::string& mask_kind) {
    const auto kinds = mask_kinds();
    return std::any_of(kinds.begin(), kinds.end(), [&](const MaskKind& kind) { return kind.name == mask_kind; });
}

}  // namespace

TEST_CASE("the reference reproduces an independent f64 computation to the precision of its F32 file") {
    const SafetensorsFile golden(golden_file);
    int cases = 0;
    for (const auto& [name, text] : golden.metadata()) {
        const Json parameters = Json::parse(text);
        if (!is_named(parameters["mask_kind"])) continue;
        CAPTURE(name);
        const Problem problem = problem_of(parameters);
        const Inputs inputs = Inputs::from_file(problem, golden_file, name + ".");
        const Reference result = reference(problem, inputs, 0);
        const std::vector<float> o = golden.read_floats(name + ".o"), lse = golden.read_floats(name + ".lse");
        REQUIRE(result.o.size() == o.size());
        REQUIRE(result.lse.size() == lse.size());
        double squared_error = 0.0, squared_norm = 0.0, lse_error = 0.0;
        for (std::size_t i = 0; i < o.size(); ++i) {
            squared_error += std::pow(result.o[i] - static_cast<double>(o[i]), 2);
            squared_norm += std::pow(result.o[i], 2);
        }
        for (std::size_t i = 0; i < lse.size(); ++i) {
            const double error = std::abs(result.lse[i] - static_cast<double>(lse[i]));
            lse_error = std::max(lse_error, error / std::max(1.0, std::abs(result.lse[i])));
        }
        // Rounding to F32 is at most 2^-24 relative.
        CHECK(std::sqrt(squared_error / squared_norm) <= 0x1p-24);
        CHECK(lse_error <= 0x1p-23);
        ++cases;
    }
    CHECK(cases >= 10);  // six full and four causal; more when more masks can be named
}
