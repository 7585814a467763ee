// SPDX-License-Identifier: Apache-2.0
// The specimen of the naive arithmetic stays wrong in the way it is kept for, so that nobody reintroduces it.
#include "tests/kernels/experiment.h"
#include "tests/kernels/tensors.h"

#include <catch2/catch.hpp>

using namespace kernel_test;

namespace {

constexpr double f16_rounding = 0x1p-11;

/// One head, K = 0 and V = 1, on `n` ranks.
Json uniform_panel(int n, int keys, const std::filesystem::path& file) {
    const Json problem = {{"heads_q", 1},   {"heads_kv", 1},
                          {"head_dim", 24}, {"value_dim", 40},
                          {"dtype", "f16"}, {"users", Json::array({{{"keys", keys}, {"queries", 53}}})}};
    TensorFile tensors(problem);
    tensors.fill_normal(1);
    tensors.fill("k", [](const Element&) { return 0.0; });
    tensors.fill("v", [](const Element&) { return 1.0; });
    tensors.write(file);
    Json json = panel_of(line_of(n), problem, {"mesh_kv_literal", "mesh_kv"});
    json["inputs"] = {{"tensors", file.string()}};
    return json;
}

}  // namespace

TEST_CASE("with K = 0 and V = 1 the literal kernel returns n / S instead of 1, and mesh_kv returns 1") {
    const ScratchFolder scratch;
    for (int n = 1; n <= 9; ++n) {
        // Powers of two keys per rank: their softmax is exact in f16, so that only n / S itself is rounded.
        const int keys = 16 * n;
        CAPTURE(n);
        Experiment experiment(uniform_panel(n, keys, scratch / "uniform.safetensors"));
        const Ran literal = experiment.run(0), right = experiment.run(1);
        CHECK_FALSE(literal.result.verdict.pass);
        CHECK(right.result.verdict.pass);
        const double wrong = static_cast<double>(n) / keys;
        for (const float value : literal.output("user0.o")) {
            REQUIRE(value == Approx(wrong).epsilon(f16_rounding).margin(0));
        }
        for (const float value : right.output("user0.o")) REQUIRE(value == 1.0F);
    }
}

TEST_CASE("a result of the literal kernel says that its arithmetic is known to be wrong") {
    const ScratchFolder scratch;
    Experiment experiment(uniform_panel(3, 48, scratch / "uniform.safetensors"));
    CHECK(experiment.run(0).result.note.find("wrong") != std::string::npos);
    CHECK(experiment.run(1).result.note == "");
}
