// SPDX-License-Identifier: Apache-2.0
// Sinks, soft caps, biases by key, pair and distance, and the gradient of lse, through every kernel: against values
// of an independent program, and the properties that tie the variants to plain attention.
#include "sim/base/safetensors.h"
#include "tests/base/scratch.h"
#include "tests/kernels/experiment.h"
#include "tests/kernels/tensors.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

using namespace kernel_test;

namespace {

const std::string golden_file = TILEMESH_TEST_DATA "/attention_golden_variants.safetensors";
constexpr float infinity = std::numeric_limits<float>::infinity();

/// The problem of a case; nothing when it needs more than what scores may have.
std::optional<Json> golden_problem(const SafetensorsFile& golden, const std::string& name) {
    const Json parameters = Json::parse(golden.metadata().at(name));
    if (parameters.contains("value_is_prefix_of_key") || parameters.contains("dtype")) return {};
    if (parameters.value("query_offset", 0) < 0) return {};
    Json user = {{"keys", parameters["keys"]}, {"queries", parameters["queries"]}};
    if (parameters.contains("query_offset")) user["query_offset"] = parameters["query_offset"];
    Json masks = Json::array();
    const std::string kind = parameters["mask_kind"];
    if (kind.find("causal") != std::string::npos) masks.push_back({{"kind", "causal"}});
    if (kind.find("sliding_window") != std::string::npos)
        masks.push_back({{"kind", "sliding_window"}, {"window", parameters["window"]}});
    if (golden.has(name + ".alibi_slopes")) masks.push_back({{"kind", "alibi"}});
    if (golden.has(name + ".pair_bias")) masks.push_back({{"kind", "pair_bias"}});
    Json problem = {{"heads_q", parameters["heads_q"]},   {"heads_kv", parameters["heads_kv"]},
                    {"head_dim", parameters["head_dim"]}, {"value_dim", parameters["value_dim"]},
                    {"scale", parameters["scale"]},       {"users", Json::array({user})}};
    if (!masks.empty()) problem["mask"] = {{"all_of", masks}};
    if (parameters.contains("soft_cap")) problem["soft_cap"] = parameters["soft_cap"];
    if (golden.has(name + ".sink")) problem["sink"] = Json::object();
    if (golden.has(name + ".dlse")) problem["lse_gradient"] = Json::object();
    return problem;
}

Json with_inputs(Json panel, const std::string& name) {
    panel["inputs"] = {{"tensors", golden_file}, {"prefix", name + "."}};
    return panel;
}

/// Standard normals for q, k and v, and other tensors beside them.
class WithTensors {
public:
    explicit WithTensors(const Json& problem) : tensors_(problem) { tensors_.fill_normal(5); }
    Json panel(const Json& problem, const Json& kernels, int n, const std::vector<OutputTensor>& more = {}) {
        const std::string file = (folder_ / "x.safetensors").string();
        tensors_.write(file, more);
        Json json = panel_of(line_of(n), problem, kernels);
        json["inputs"] = {{"tensors", file}};
        return json;
    }

private:
    ScratchFolder folder_;
    TensorFile tensors_;
};

OutputTensor pair_bias(std::uint64_t heads, const std::vector<float>& values) {
    return {"pair_bias", {heads, 53, 97}, values};
}

/// Runs every kernel with both problems and holds o and lse of one against the other's.
template <class Check>
void compare_outputs(const Json& one, const Json& other, const Check& check,
                     const std::vector<OutputTensor>& more = {}) {
    WithTensors tensors(one);
    for (const int n : {1, 4, 7}) {
        Experiment first(tensors.panel(one, exact_kernels(), n, more));
        Experiment second(tensors.panel(other, exact_kernels(), n, more));
        const std::vector<std::size_t> accepted = second.accepted();
        for (const std::size_t kernel : first.accepted()) {
            if (std::find(accepted.begin(), accepted.end(), kernel) == accepted.end()) continue;
            CAPTURE(n, first.choice(kernel).kernel, one.dump(), other.dump());
            const Ran a = first.run(kernel), b = second.run(kernel);
            CHECK(a.result.verdict.why == "");
            CHECK(b.result.verdict.why == "");
            check(a, b);
        }
    }
}

}  // namespace

TEST_CASE("every kernel reproduces every golden variant of scores to 4e-4, on one rank and on many") {
    const SafetensorsFile golden(golden_file);
    std::size_t cases = 0;
    for (const auto& [name, text] : golden.metadata()) {
        if (name == "_about" || golden.has(name + ".do")) continue;
        const auto problem = golden_problem(golden, name);
        if (!problem) continue;
        ++cases;
        const std::vector<float> o = golden.read_floats(name + ".o"), lse = golden.read_floats(name + ".lse");
        for (const int n : {1, 5, 8})
            for (const char* const sharding : {"contiguous", "zigzag"}) {
                Json json = with_inputs(panel_of(line_of(n), *problem, exact_kernels()), name);
                json["ranks"] = {{"sharding", sharding}};
                Experiment experiment(json);
                std::size_t schedules = 0;
                for (const std::size_t kernel : experiment.accepted()) {
                    CAPTURE(name, n, sharding, experiment.choice(kernel).kernel);
                    const Ran ran = experiment.run(kernel);
                    CHECK(ran.result.verdict.why == "");
                    CHECK(relative_l2(ran.output("user0.o"), o) <= 4e-4);
                    CHECK(relative_l2(ran.output("user0.lse"), lse) <= 4e-4);
                    ++schedules;
                }
                CHECK(schedules >= 3);
            }
    }
    CHECK(cases == 8);  // of sinks, caps, slopes and biases per pair
}

TEST_CASE("every backward kernel reproduces every golden gradient of the variants to 1e-3") {
    const SafetensorsFile golden(golden_file);
    std::size_t cases = 0;
    for (const auto& [name, text] : golden.metadata()) {
        if (!golden.has(name + ".do")) continue;
        ++cases;
        for (const int n : {1, 3, 8})
            for (const char* const sharding : {"contiguous", "zigzag", "striped"}) {
                Json json =
                    with_inputs(panel_of(line_of(n), golden_problem(golden, name).value(), backward_kernels()), name);
                json["ranks"] = {{"sharding", sharding}};
                Experiment experiment(json);
                for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
                    CAPTURE(name, n, sharding, experiment.choice(kernel).kernel);
                    const Ran ran = experiment.run(kernel);
                    CHECK(ran.result.verdict.why == "");
                    for (const char* const gradient : {"dq", "dk", "dv", "dsink"}) {
                        if (!golden.has(name + "." + gradient)) continue;
                        CAPTURE(gradient);
                        CHECK(relative_l2(ran.output(std::string("user0.") + gradient),
                                          golden.read_floats(name + "." + gradient)) <= 1e-3);
                    }
                }
            }
    }
    CHECK(cases == 5);
}

TEST_CASE("a sink of -inf is no sink, a slope of 0 is no slope, a cap above all scores is no cap") {
    const Json plain = distinct_problem("causal");
    Json variant = plain;
    variant["sink"] = {{"values", Json::array({"-inf", "-inf", "-inf", "-inf", "-inf", "-inf"})}};
    const auto same = [](const Ran& a, const Ran& b) {
        CHECK(relative_l2(a.output("user0.o"), b.output("user0.o")) <= 3e-4);
        CHECK(greatest_difference(a.output("user0.lse"), b.output("user0.lse")) <= 1e-5);
    };
    compare_outputs(variant, plain, same);
    variant = plain;
    variant["mask"] = {{"all_of", {{{"kind", "causal"}}, {{"kind", "alibi"}, {"slopes", {0, 0, 0, 0, 0, 0}}}}}};
    compare_outputs(variant, plain, same);
    variant = plain;
    variant["soft_cap"] = 1e4;
    compare_outputs(variant, plain, same);
}

TEST_CASE("a constant added to every score leaves o and is added to lse") {
    const Json plain = distinct_problem("full");
    Json variant = plain;
    variant["mask"] = {{"kind", "pair_bias"}};
    const auto shifted = [](const Ran& a, const Ran& b) {
        CHECK(relative_l2(a.output("user0.o"), b.output("user0.o")) <= 3e-4);
        std::vector<float> lse = b.output("user0.lse");
        for (float& value : lse) value += 3.5F;
        CHECK(greatest_difference(a.output("user0.lse"), lse) <= 1e-5);
    };
    for (const std::uint64_t heads : {1, 6}) {
        const std::vector<float> bias(heads * 53 * 97, 3.5F);
        compare_outputs(variant, plain, shifted, {pair_bias(heads, bias)});
    }
}

TEST_CASE("a pair bias of -inf above the diagonal is the causal mask: in values, work, and bytes sent") {
    Json causal = distinct_problem("causal");
    causal["users"][0]["query_offset"] = 44;
    Json biased = causal;
    biased["mask"] = {{"kind", "pair_bias"}};
    std::vector<float> bias(53 * 97, 0.0F);
    for (std::size_t i = 0; i < 53; ++i)
        for (std::size_t j = i + 45; j < 97; ++j) bias[i * 97 + j] = -infinity;
    compare_outputs(biased, causal,
                    [](const Ran& a, const Ran& b) {
                        CHECK(relative_l2(a.output("user0.o"), b.output("user0.o")) <= 3e-4);
                        CHECK(greatest_difference(a.output("user0.lse"), b.output("user0.lse")) <= 1e-5);
                        CHECK(a.result.flops == b.result.flops);
                        CHECK(link_bytes(a.result) == link_bytes(b.result));
                    },
                    {pair_bias(1, bias)});
}

TEST_CASE("keys with a bias of -inf are hidden: as if they were not there, and not sent when a rank has no other") {
    const Json plain = distinct_problem("full");
    Json hidden = plain;
    Json values = Json::array();
    for (int key = 0; key < 97; ++key) values.push_back(key < 40 ? Json("-inf") : Json(0));
    hidden["mask"] = {{"kind", "key_bias"}, {"values", values}};
    Json window = plain;  // the same keys by segments: queries at 53 and later see only those from 40 on
    window["users"][0]["query_offset"] = 44;
    window["mask"] = {{"kind", "segments"}, {"lengths", {40, 57}}};
    compare_outputs(hidden, window, [](const Ran& a, const Ran& b) {
        CHECK(relative_l2(a.output("user0.o"), b.output("user0.o")) <= 3e-4);
        CHECK(greatest_difference(a.output("user0.lse"), b.output("user0.lse")) <= 1e-5);
        CHECK(link_bytes(a.result) == link_bytes(b.result));
    });
}

TEST_CASE("a row that sees nothing but its sink has o = 0 and lse = sink, in every kernel") {
    Json problem = distinct_problem("full");
    problem["sink"] = {{"values", {0.5, -1, 2, 3, "-inf", 0}}};
    problem["mask"] = {{"kind", "segments"}, {"ids", Json::array()}};
    problem["users"][0]["query_offset"] = 0;
    for (int key = 0; key < 97; ++key) problem["mask"]["ids"].push_back(0);
    problem["mask"] = {{"all_of", {problem["mask"], {{"kind", "pair_bias"}}}}};
    std::vector<float> bias(53 * 97, 0.0F);
    std::fill(bias.begin(), bias.begin() + 20 * 97, -infinity);  // the first 20 queries see nothing
    WithTensors tensors(problem);
    const float sinks[] = {0.5F, -1.0F, 2.0F, 3.0F, -infinity, 0.0F};
    for (const int n : {1, 5}) {
        Experiment experiment(tensors.panel(problem, exact_kernels(), n, {pair_bias(1, bias)}));
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(n, experiment.choice(kernel).kernel);
            const Ran ran = experiment.run(kernel);
            CHECK(ran.result.verdict.why == "");
            const std::vector<float>&o = ran.output("user0.o"), &lse = ran.output("user0.lse");
            CHECK(std::all_of(o.begin(), o.begin() + 20 * 6 * 40, [](float value) { return value == 0.0F; }));
            for (std::size_t head = 0; head < 6; ++head)
                for (std::size_t query = 0; query < 20; ++query) {
                    const float got = lse[head * 53 + query];
                    CHECK((got == sinks[head] || std::abs(got - sinks[head]) <= 1e-6F));
                }
        }
    }
}

TEST_CASE("all variants at once are right in every form of partial results, launch by launch, and in a tight SRAM") {
    Json problem = distinct_problem("causal");
    problem["mask"] = {{"all_of",
                        {{{"kind", "causal"}},
                         {{"kind", "alibi"}, {"slopes", "geometric"}},
                         {{"kind", "key_bias"}, {"std", 1}},
                         {{"kind", "pair_bias"}, {"std", 1}}}}};
    problem["soft_cap"] = 4;
    problem["sink"] = {{"std", 2}, {"seed", 3}};
    problem["lse_gradient"] = {{"std", 1}};
    Json kernels = Json::array();
    for (const char* const kernel :
         {"mesh_mlo", "mlo_doubling", "mlo_reduce_scatter", "pass_q", "tiles_2d", "ulysses"})
        for (const char* const state : {"mlo", "out_lse"}) kernels.push_back({{"kernel", kernel}, {"state", state}});
    for (const char* const kernel : {"ring_kv", "mesh_kv", "head_parallel"})
        for (const char* const launches : {"fused", "overlapped", "continued", "waited"})
            kernels.push_back({{"kernel", kernel}, {"launches", launches}});
    for (const std::string& kernel : backward_kernels()) kernels.push_back(kernel);
    std::size_t ran = 0;
    for (const int kib : {32, 96, 8192})
        for (const int n : {2, 4}) {
            Json json = panel_of(line_of(n), problem, kernels);
            json["machine"]["pe"] = {{"sram_bytes", kib << 10}};
            Experiment experiment(json);
            for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
                try {
                    experiment.arrangement(kernel);
                } catch (const InputError&) {
                    continue;  // does not fit, or needs as many heads as ranks
                }
                CAPTURE(kib, n, experiment.choice(kernel).label);
                const Ran result = experiment.run(kernel);
                CHECK(result.result.verdict.why == "");
                ++ran;
            }
        }
    CHECK(ran >= 60);
}

TEST_CASE("cycles are the same with values in full, of a sample and without, and samples are right") {
    Json problem = distinct_problem("causal");
    problem["soft_cap"] = 4;
    problem["sink"] = {{"std", 1}};
    for (const char* const shared : {"true", "false"}) {
        problem["mask"] = {{"all_of",
                            {{{"kind", "causal"}},
                             {{"kind", "alibi"}, {"slopes", "geometric"}},
                             {{"kind", "pair_bias"}, {"std", 1}, {"shared", Json::parse(shared)}}}}};
        Json json = panel_of(line_of(4), problem, exact_kernels());
        Experiment full(json);
        json["values"] = {{"mode", "sampled"}, {"rows", 40}};
        Experiment sampled(json);
        json["values"] = {{"mode", "none"}};
        Experiment none(json);
        for (const std::size_t kernel : full.accepted()) {
            CAPTURE(full.choice(kernel).kernel, shared);
            const Ran a = full.run(kernel), b = sampled.run(kernel), c = none.run(kernel);
            CHECK(b.result.verdict.why == "");
            CHECK(timing_of(a.result) == timing_of(b.result));
            CHECK(timing_of(a.result) == timing_of(c.result));
        }
    }
}

TEST_CASE(
    "biases per pair cost the HBM what the visible blocks hold: 4 bytes a number, once for each head or for all") {
    // One block of queries and one tile of keys on one PE: everything is loaded exactly once.
    Json problem = distinct_problem("full");
    const auto loaded = [&](const Json& with) {
        Json json = panel_of(line_of(1), with, {"flash"});
        Experiment experiment(json);
        REQUIRE(experiment.arrangement().tiling.tile_keys == 97);
        REQUIRE(experiment.arrangement().tiling.tile_queries == 53);
        REQUIRE(experiment.arrangement().tiling.tile_heads == 2);
        std::uint64_t bytes = 0;
        for (const report::ComponentResult& part : experiment.run().result.components)
            if (part.kind == "hbm") bytes += part.bytes.value();
        return bytes;
    };
    // All of a tensor is loaded, in bursts of 32 bytes.
    const auto bursts = [](std::uint64_t numbers) { return (numbers * 4 + 31) / 32 * 32; };
    const std::uint64_t plain = loaded(problem);
    problem["mask"] = {{"kind", "pair_bias"}, {"std", 1}};
    CHECK(loaded(problem) - plain == bursts(6 * 53 * 97));
    problem["mask"]["shared"] = true;
    CHECK(loaded(problem) - plain == bursts(53 * 97));
}
