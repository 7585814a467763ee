// SPDX-License-Identifier: Apache-2.0
// Keys, values and queries in 8-bit floats: the golden values through every kernel, scales that are folded in, what
// travels and how fast the products are, p in 8 bits, and gradients.
#include "sim/base/error.h"
#include "sim/base/safetensors.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace kernel_test;

namespace {

const std::string golden_file = TILEMESH_TEST_DATA "/attention_golden_variants.safetensors";

Json golden_problem(const Json& parameters) {
    Json user = {{"keys", parameters["keys"]}, {"queries", parameters["queries"]}};
    if (parameters.contains("query_offset")) user["query_offset"] = parameters["query_offset"];
    Json problem = {{"users", Json::array({user})}, {"mask", {{"kind", parameters["mask_kind"]}}}};
    for (const char* key : {"heads_q", "heads_kv", "head_dim", "value_dim", "dtype", "scale", "scales"})
        problem[key] = parameters[key];
    return problem;
}

Json golden_panel(const std::string& name, int n, const Json& problem, const Json& kernels) {
    Json json = panel_of(line_of(n), problem, kernels);
    json["inputs"] = {{"tensors", golden_file}, {"prefix", name + "."}};
    return json;
}

Json fp8_problem(const std::string& dtype, const std::string& mask = "causal") {
    Json problem = distinct_problem(mask);
    problem["dtype"] = dtype;
    problem["scales"] = {{"q", 0.07}, {"k", 0.11}, {"v", 0.3}};
    return problem;
}

}  // namespace

TEST_CASE("every kernel reproduces the golden cases in 8-bit floats to 4e-4") {
    const SafetensorsFile golden(golden_file);
    for (const std::string name : {"fp8_e4m3_causal", "fp8_e5m2_full"}) {
        const Json parameters = Json::parse(golden.metadata().at(name));
        const std::vector<float> o = golden.read_floats(name + ".o"), lse = golden.read_floats(name + ".lse");
        for (const int n : {1, 5}) {
            Experiment experiment(golden_panel(name, n, golden_problem(parameters), exact_kernels()));
            CHECK(experiment.accepted().size() >= 3);
            for (const std::size_t kernel : experiment.accepted()) {
                CAPTURE(name, n, experiment.choice(kernel).kernel);
                const Ran ran = experiment.run(kernel);
                CHECK(ran.result.verdict.pass);
                CHECK(relative_l2(ran.output("user0.o"), o) <= 4e-4);
                CHECK(greatest_difference(ran.output("user0.lse"), lse) <= 1e-4);
            }
        }
    }
}

TEST_CASE("scales multiply what is stored: q and k the scores, v the output") {
    const SafetensorsFile golden(golden_file);
    const std::string name = "fp8_e4m3_causal";
    const Json original = golden_problem(Json::parse(golden.metadata().at(name)));
    const Json kernels = {
        "mesh_kv", "blockwise", "standard", "mesh_mlo", {{"kernel", "ring_kv"}, {"launches", "overlapped"}}};
    Experiment as_given(golden_panel(name, 3, original, kernels));
    Json moved = original;  // the same scores and three times the output
    moved["scales"]["q"] = original["scales"]["q"].get<double>() * 5;
    moved["scales"]["k"] = original["scales"]["k"].get<double>() / 5;
    moved["scales"]["v"] = original["scales"]["v"].get<double>() * 3;
    Experiment scaled(golden_panel(name, 3, moved, kernels));
    for (std::size_t kernel = 0; kernel < as_given.kernels(); ++kernel) {
        CAPTURE(as_given.choice(kernel).label);
        const Ran one = as_given.run(kernel), three = scaled.run(kernel);
        CHECK(three.result.verdict.pass);
        std::vector<float> expected = one.output("user0.o");
        for (float& value : expected) value *= 3;
        CHECK(relative_l2(three.output("user0.o"), expected) < 4e-4);  // each is rounded to f16 once
        CHECK(greatest_difference(three.output("user0.lse"), one.output("user0.lse")) < 1e-5);
    }
}

TEST_CASE("a chunk of 8-bit floats is half a chunk of f16 on every link") {
    Json problem = distinct_problem("full");
    const Json kernels = {"mesh_kv", "ring_kv"};
    Experiment wide(panel_of(line_of(5), problem, kernels));
    problem["dtype"] = "f8e5m2";
    Experiment narrow(panel_of(line_of(5), problem, kernels));
    for (std::size_t kernel = 0; kernel < 2; ++kernel) {
        const auto f16 = link_bytes(wide.run(kernel).result), fp8 = link_bytes(narrow.run(kernel).result);
        REQUIRE(!f16.empty());
        for (const auto& [link, bytes] : f16) CHECK(2 * fp8.at(link) == bytes);
    }
}

TEST_CASE("the HBM bound counts q, k and v at a byte an element and o at two") {
    Json problem = {{"heads_q", 6},      {"heads_kv", 2},
                    {"head_dim", 24},    {"value_dim", 40},
                    {"dtype", "f8e4m3"}, {"users", Json::array({{{"keys", 97}, {"queries", 53}}})}};
    const Experiment experiment(panel_of(line_of(1), problem, Json::array({"head_parallel"})));
    const attention::Bound bound = experiment.arrangement().machine_bound;
    const double bytes = 53 * 6 * 24 + 97 * 2 * (24 + 40) + 53 * 6 * 40 * 2;
    const double rate = experiment.panel().machine.hbm.peak().gbytes_per_s();
    CHECK(bound.terms[2].name == "HBM");
    CHECK(bound.terms[2].ns == Approx(bytes / rate));
}

TEST_CASE("a product of two 8-bit operands runs at their speed, one with p in f16 at that of f16") {
    constexpr int queries = 512, keys = 256, d = 128, dv = 64;
    constexpr double macs_per_ns = 128 * 128, pairs = queries * keys;
    const auto time = [&](const Json& probability, const char* kernel, attention::Bound& bound) {
        Json machine = line_of(1, "ideal_line");
        machine["pe"]["matrix"]["speed"] = {{"f16", 1.0}, {"f8e4m3", 4.0}};
        Json problem = {{"heads_q", 1},
                        {"head_dim", d},
                        {"value_dim", dv},
                        {"dtype", "f8e4m3"},
                        {"users", Json::array({{{"keys", keys}, {"queries", queries}}})}};
        if (!probability.is_null()) problem["probability_dtype"] = probability;
        Json json = panel_of(machine, problem, Json::array({kernel}));
        json["values"] = {{"mode", "none"}};
        Experiment experiment(json);
        bound = experiment.arrangement().machine_bound;
        return to_nanoseconds(experiment.run().result.time);
    };
    const double scores = pairs * d / macs_per_ns, values = pairs * dv / macs_per_ns;
    for (const char* kernel : {"head_parallel", "blockwise", "mesh_kv"}) {
        attention::Bound bound;
        CHECK(time(nullptr, kernel, bound) == Approx(scores / 4 + values).epsilon(1e-2));
        CHECK(bound.ns() == Approx(scores / 4 + values));
        CHECK(time("f8e4m3", kernel, bound) == Approx((scores + values) / 4).epsilon(1e-2));
        CHECK(bound.ns() == Approx((scores + values) / 4));
    }
    attention::Bound bound;
    const double others = pairs * (2 * d + 2 * dv) / macs_per_ns;
    CHECK(time(nullptr, "attention_backward", bound) == Approx(scores / 4 + others).epsilon(1e-2));
    CHECK(bound.ns() == Approx(scores / 4 + others));
}

TEST_CASE("p in 8 bits is rounded so, passes with the limit of its dtype, and standard refuses it") {
    const std::map<std::string, double> units = {{"f8e4m3", 0x1p-4}, {"f8e5m2", 0x1p-3}};  // half a last place
    for (const auto& [dtype, unit] : units) {
        Json problem = fp8_problem(dtype);
        problem["probability_dtype"] = dtype;
        Json kernels = exact_kernels();
        Experiment experiment(panel_of(line_of(4), problem, kernels));
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(dtype, experiment.choice(kernel).kernel);
            CHECK(experiment.choice(kernel).kernel != "standard");
            const Ran ran = experiment.run(kernel);
            INFO(ran.result.verdict.why);
            CHECK(ran.result.verdict.pass);
            // An error spread evenly over a last place has a root mean square of 0.58 of half of it, of numbers at
            // the lower end of their binade.
            CHECK(ran.result.verdict.relative_l2 > 0.2 * unit);
            CHECK(ran.result.verdict.relative_l2 < 0.58 * unit);
        }
    }
}

TEST_CASE("p in 8 bits holds at scores so large that their last place is 16") {
    for (const char* kernel : {"mesh_kv", "blockwise"}) {
        Json problem = fp8_problem("f8e4m3", "full");
        problem["probability_dtype"] = "f8e4m3";
        problem["scale"] = 1.2e7;  // maxima of about 2^27 and 2^28; every row is one key's value, whose p is exact
        Experiment experiment(panel_of(line_of(1), problem, Json::array({kernel})));
        const Ran ran = experiment.run();
        INFO(ran.result.verdict.why);
        CHECK(ran.result.verdict.pass);
        CHECK(ran.result.verdict.relative_l2 < 1e-3);
    }
}

TEST_CASE("gradients of 8-bit inputs are met to 1e-3, with scales, on any number of ranks") {
    for (const std::string dtype : {"f8e4m3", "f8e5m2"}) {
        for (const int n : {1, 3}) {
            Experiment experiment(panel_of(line_of(n), fp8_problem(dtype), backward_kernels()));
            for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
                CAPTURE(dtype, n, experiment.choice(kernel).kernel);
                const Ran ran = experiment.run(kernel);
                INFO(ran.result.verdict.why);
                CHECK(ran.result.verdict.pass);
                CHECK(ran.result.verdict.tolerance <= 1e-3 * 1.01);
            }
        }
    }
}
