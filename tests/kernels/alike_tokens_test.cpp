// SPDX-License-Identifier: Apache-2.0
// Inputs on which correct kernels err by more than independent roundings would, and a verdict knows it: tokens that
// are said again and again, biases that cancel, a running output in bf16 that stagnates, sinks that leave nothing
// but subnormal numbers. What is too large for its type is wrong, and said to be so.
#include "tests/base/scratch.h"
#include "tests/kernels/experiment.h"
#include "tests/kernels/tensors.h"

#include <catch2/catch.hpp>

using namespace kernel_test;

namespace {

constexpr std::int64_t heads = 2, dim = 32;

Json problem_of(std::int64_t queries, std::int64_t keys, const char* dtype, const Json& mask) {
    return {{"heads_q", heads},
            {"heads_kv", heads},
            {"head_dim", dim},
            {"value_dim", dim},
            {"dtype", dtype},
            {"mask", mask},
            {"users", Json::array({{{"keys", keys}, {"queries", queries}}})}};
}

/// Runs every kernel on these inputs; each is right, and says why if not.
void all_pass(const Json& problem, const TensorFile& tensors, Json kernels,
              const std::vector<OutputTensor>& more = {}) {
    const ScratchFolder scratch;
    tensors.write(scratch / "inputs.safetensors", more);
    Json panel = panel_of(line_of(4), problem, kernels);
    panel["inputs"] = {{"tensors", (scratch / "inputs.safetensors").string()}};
    Experiment experiment(panel);
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
        const report::VerdictResult verdict = experiment.run(kernel).result.verdict;
        CAPTURE(experiment.choice(kernel).label, verdict.units, verdict.units_of);
        CHECK(verdict.why == "");
        CHECK(verdict.pass);
    }
}

const Json both_ways = {"attention_backward", "ring_kv_backward", "standard", "flash", "mesh_kv"};

/// Token i is token i % period.
void repeat(TensorFile& tensors, std::int64_t period) {
    for (const char* name : {"q", "k", "v"}) {
        const TensorFile drawn = tensors;
        tensors.fill(name, [&](const Element& e) { return drawn.at(name, {e.token % period, e.head, e.dim}); });
    }
}

}  // namespace

TEST_CASE("a phrase that is repeated is right in every kernel, whatever part of it a row sees") {
    for (const Json& mask :
         {Json{{"kind", "causal"}}, Json{{"kind", "full"}}, Json{{"kind", "sliding_window"}, {"window", 100}},
          Json{{"kind", "segments"}, {"lengths", {120, 136}}}}) {
        CAPTURE(mask.dump());
        const Json problem = problem_of(256, 256, "f16", mask);
        TensorFile tensors(problem);
        tensors.fill_normal(3);
        repeat(tensors, 8);
        all_pass(problem, tensors, both_ways);
    }
}

TEST_CASE("two kinds of keys whose values cancel are right in every kernel, equal or nearly so") {
    for (const double apart : {0.0, 1e-5, 1e-4}) {
        CAPTURE(apart);
        const Json problem = problem_of(64, 512, "f16", {{"kind", "full"}});
        TensorFile drawn(problem);
        drawn.fill_normal(4);
        TensorFile tensors = drawn;
        tensors.fill("q", [&](const Element& e) { return 0.1 * drawn.at("q", e); });
        tensors.fill("k", [&](const Element& e) {
            return drawn.at("k", {e.token % 2, e.head, e.dim}) + apart * drawn.at("k", e);
        });
        tensors.fill("v", [&](const Element& e) {
            return (e.token % 2 == 0 ? 1.0 : -1.0) * drawn.at("v", {0, e.head, e.dim}) + 1e-3 * drawn.at("v", e);
        });
        all_pass(problem, tensors, both_ways);
    }
}

TEST_CASE("biases that cancel are right in every kernel, though their sum on the way is rounded") {
    for (const char* dtype : {"f32", "f16", "bf16"}) {
        CAPTURE(dtype);
        constexpr std::int64_t tokens = 64;
        const Json problem =
            problem_of(tokens, tokens, dtype, {{"all_of", {{{"kind", "key_bias"}}, {{"kind", "pair_bias"}}}}});
        TensorFile tensors(problem);
        tensors.fill_normal(5);
        const std::vector<float> large(tokens, 949.7F);
        std::vector<float> small(heads * tokens * tokens);
        for (std::size_t i = 0; i < small.size(); ++i) small[i] = static_cast<float>(i * 37 % 101) * 0.03F - 951.5F;
        all_pass(problem, tensors, both_ways,
                 {{"key_bias", {tokens}, large}, {"pair_bias", {heads, tokens, tokens}, small}});
    }
}

TEST_CASE("a running output in bf16 that stagnates, or lies below the normal numbers, is within its limit") {
    for (const double size : {1.0, 1e-39}) {
        CAPTURE(size);
        const Json problem = problem_of(16, 512, "bf16", {{"kind", "full"}});
        TensorFile drawn(problem);
        drawn.fill_normal(6);
        TensorFile tensors = drawn;
        tensors.fill("q", [&](const Element& e) { return 0.1 * drawn.at("q", e); });
        tensors.fill("v", [&](const Element& e) {
            return size * (1.0 + 0.1 * static_cast<double>(e.dim) + 0.01 * drawn.at("v", e));
        });
        Json kernels = Json::array();
        for (const char* kernel : {"flash", "mesh_kv"})
            for (const int tile : {1, 16})
                kernels.push_back({{"kernel", kernel},
                                   {"label", std::string(kernel) + std::to_string(tile)},
                                   {"state_dtype", "bf16"},
                                   {"tile_keys", tile}});
        all_pass(problem, tensors, kernels);
    }
}

TEST_CASE("dsink under a sink that leaves only numbers below f32's normal ones is right") {
    for (const int sink : {85, 95, 100, 103, 110}) {
        Json problem = problem_of(48, 48, "f32", {{"kind", "full"}});
        problem["sink"] = {{"values", {sink, 0}}};
        Experiment experiment(panel_of(line_of(2), problem, {"attention_backward", "ring_kv_backward"}));
        for (const std::size_t kernel : {0U, 1U}) {
            CAPTURE(sink, kernel);
            CHECK(experiment.run(kernel).result.verdict.why == "");
        }
    }
}

TEST_CASE("gradients beyond f16 are wrong, and the verdict says that f16 overflows") {
    const Json problem = problem_of(32, 32, "f16", {{"kind", "causal"}});
    const ScratchFolder scratch;
    TensorFile tensors(problem);
    tensors.fill_normal(7);
    tensors.fill("do", [](const Element&) { return 60000.0; });
    tensors.fill("v", [](const Element&) { return 1.0; });
    tensors.write(scratch / "inputs.safetensors");
    Json panel = panel_of(line_of(2), problem, {"attention_backward"});
    panel["inputs"] = {{"tensors", (scratch / "inputs.safetensors").string()}};
    const report::VerdictResult verdict = Experiment(panel).run().result.verdict;
    CHECK_FALSE(verdict.pass);
    CHECK_THAT(verdict.why, Catch::StartsWith("dv: f16 overflows: "));
    CHECK_THAT(verdict.why, Catch::Contains("of 2048 elements are beyond 65504; output "));
}
