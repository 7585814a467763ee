// SPDX-License-Identifier: Apache-2.0
// Problems of unusual shape against attention computed in f64 by an independent program: queries before the first
// key, latents. And what latents move, in closed form.
#include "sim/base/safetensors.h"
#include "tests/kernels/experiment.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace kernel_test;

namespace {

const std::string golden_file = TILEMESH_TEST_DATA "/attention_golden_variants.safetensors";

/// Every kernel that accepts the case, on `n` ranks.
Json golden_panel(const Json& parameters, const std::string& name, int n) {
    Json user = {{"keys", parameters["keys"]}, {"queries", parameters["queries"]}};
    const Json problem = {
        {"heads_q", parameters["heads_q"]},   {"heads_kv", parameters["heads_kv"]},
        {"head_dim", parameters["head_dim"]}, {"value_dim", parameters["value_dim"]},
        {"scale", parameters["scale"]},       {"latents", parameters.contains("value_is_prefix_of_key")},
        {"users", Json::array({user})},       {"mask", {{"kind", parameters["mask_kind"]}}}};
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
    for (const std::string name : {"bottom_right_causal", "latents_full", "latents_decode"}) {
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

namespace {

/// 40 queries under 4 heads, 96 keys of one kv head, dimensions 64 and 48: every row is whole bursts of 32 bytes.
Json latent_panel(int n, const Json& kernels) {
    const Json problem = {{"heads_q", 4},    {"heads_kv", 1},
                          {"head_dim", 64},  {"value_dim", 48},
                          {"latents", true}, {"users", Json::array({{{"keys", 96}, {"queries", 40}}})}};
    return panel_of(line_of(n), problem, kernels);
}

std::uint64_t hbm_bytes(const report::KernelResult& result) {
    std::uint64_t bytes = 0;
    for (const auto& part : result.components) bytes += part.kind == "hbm" ? part.bytes.value() : 0;
    return bytes;
}

double hbm_bound(const workloads::Arrangement& a) {
    for (const attention::BoundTerm& term : a.machine_bound.terms)
        if (term.name == "HBM") return term.ns;
    return -1.0;
}

}  // namespace

TEST_CASE("latents are read from HBM once, and the bound counts them once") {
    Experiment one(latent_panel(1, {"flash", "attention_backward"}));
    const double rate = one.panel().machine.hbm.peak().gbytes_per_s();
    const std::uint64_t q = 40 * 4 * 64 * 2, k = 96 * 64 * 2, o = 40 * 4 * 48 * 2, lse = 40 * 4 * 4;
    CHECK(hbm_bytes(one.run(0).result) == q + k + o + lse);
    CHECK(hbm_bound(one.arrangement(0)) == Approx(static_cast<double>(q + k + o) / rate));
    // Backward: do as large as o, o in f32, m and l as lse each, dq and dk written; the bound has o in the storage
    // type.
    CHECK(hbm_bytes(one.run(1).result) == q + k + o + 2 * o + 2 * lse + q + k);
    CHECK(hbm_bound(one.arrangement(1)) == Approx(static_cast<double>(q + k + o + o + 2 * lse + q + k) / rate));
}

TEST_CASE("a chunk of latents is S h_kv d elements on every link, and so is its gradient in f32") {
    const std::uint64_t n = 4;
    Experiment line(latent_panel(4, {"mesh_kv", "all_gather_kv", "ring_kv", "mesh_kv_backward", "ring_kv_backward"}));
    const std::uint64_t c = 96 / n * 64 * 2, g = 96 / n * 64 * 4;
    for (const std::size_t kernel : {0U, 1U}) {
        const auto bytes = link_bytes(line.run(kernel).result);
        for (std::uint64_t r = 0; r + 1 < n; ++r) {
            CHECK(bytes.at(fmt::format("cube0.pe{}_to_pe{}", r, r + 1)) == (r + 1) * c);
            CHECK(bytes.at(fmt::format("cube0.pe{}_to_pe{}", r + 1, r)) == (n - 1 - r) * c);
        }
    }
    for (const auto& [link, bytes] : link_bytes(line.run(2).result)) CHECK(bytes == (n - 1) * c);
    const auto backward = link_bytes(line.run(3).result);
    for (std::uint64_t r = 0; r + 1 < n; ++r)
        CHECK(backward.at(fmt::format("cube0.pe{}_to_pe{}", r, r + 1)) == (r + 1) * c + (n - 1 - r) * g);
    for (const auto& [link, bytes] : link_bytes(line.run(4).result)) CHECK(bytes == (n - 1) * (c + g));
    // One message per piece, not two; each chunk is one piece.
    CHECK(line.arrangement(0).tiling.piece_keys == 96 / static_cast<std::int64_t>(n));
    CHECK(messages(line.run(0).result) == n * (n - 1));
}

TEST_CASE("latents have the right answer and gradients in every kernel, in tight SRAMs too") {
    for (const auto& [value_dim, heads_kv, sram] : {std::tuple{24, 2, 8192}, {17, 2, 64}, {1, 3, 8192}, {23, 1, 96}})
        for (const char* mask : {"full", "causal"})
            for (const int n : {1, 4, 6}) {
                Json kernels = exact_kernels();
                for (const std::string& backward : backward_kernels()) kernels.push_back(backward);
                Json json = panel_of(line_of(n), distinct_problem(mask), kernels);
                json["machine"]["pe"] = {{"sram_bytes", sram << 10}};
                json["problem"]["value_dim"] = value_dim;
                json["problem"]["heads_kv"] = heads_kv;
                json["problem"]["latents"] = true;
                Experiment experiment(json);
                for (const std::size_t kernel : experiment.accepted()) {
                    CAPTURE(json.dump(), experiment.choice(kernel).kernel);
                    const Ran ran = experiment.run(kernel);
                    INFO(ran.result.verdict.why);
                    CHECK(ran.result.verdict.pass);
                    CHECK(ran.outputs.contains("user0.dv") == false);
                }
            }
}

TEST_CASE("a tensor v beside latents is refused") {
    const Json parameters = Json::parse(SafetensorsFile(golden_file).metadata().at("sink_causal"));
    Json json = golden_panel(parameters, "sink_causal", 1);
    json["problem"]["latents"] = true;
    json["problem"]["mask"] = {{"kind", "full"}};
    Experiment experiment(json);
    CHECK_THROWS_WITH(experiment.run(0),
                      Catch::Contains("tensor sink_causal.v: found it, expected none: with latents"));
}

namespace {

/// Two users of whose keys every rank has some: [20, 47) of 97, and all of 9.
Json shared_problem(const std::string& mask) {
    Json problem = distinct_problem(mask);
    problem["users"] = Json::array({{{"keys", 97}, {"queries", 53}, {"shared_keys", {20, 47}}},
                                    {{"keys", 9}, {"queries", 4}, {"shared_keys", {0, 9}}},
                                    {{"keys", 31}, {"queries", 8}, {"shared_keys", {31, 31}}}});
    return problem;
}

}  // namespace

TEST_CASE("keys that every rank has are attended once by every query, whatever moves and whatever is merged") {
    Json kernels = exact_kernels();
    for (const std::string& backward : backward_kernels()) kernels.push_back(backward);
    for (const char* mask : {"full", "causal", "key_bias"})
        for (const char* sharding : {"contiguous", "zigzag", "striped"})
            for (const int n : {1, 3, 4, 8}) {
                Json json = panel_of(line_of(n), shared_problem(mask), kernels);
                if (mask == std::string("key_bias")) json["problem"]["mask"]["std"] = 1.5;
                json["problem"]["latents"] = n == 3;
                if (n == 3) json["problem"]["value_dim"] = 10;
                json["ranks"] = {{"sharding", sharding}};
                Experiment experiment(json);
                for (const std::size_t kernel : experiment.accepted()) {
                    CAPTURE(mask, sharding, n, experiment.choice(kernel).kernel);
                    const Ran ran = experiment.run(kernel);
                    INFO(ran.result.verdict.why);
                    CHECK(ran.result.verdict.pass);
                }
            }
}

TEST_CASE("gradients of 8-bit keys that every rank has are stored as those of other keys are") {
    for (const char* dtype : {"f8e4m3", "f8e5m2"})
        for (const bool latents : {false, true}) {
            Json json = panel_of(line_of(4), shared_problem("causal"), backward_kernels());
            json["problem"]["dtype"] = dtype;
            json["problem"]["latents"] = latents;
            if (latents) json["problem"]["value_dim"] = 10;
            Experiment experiment(json);
            for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
                CAPTURE(dtype, latents, experiment.choice(kernel).kernel);
                const Ran ran = experiment.run(kernel);
                INFO(ran.result.verdict.why);
                CHECK(ran.result.verdict.pass);
            }
        }
}

TEST_CASE(
    "shared keys go over no link: chunks are shares of the others, and gradients of shared keys meet half way") {
    const std::uint64_t n = 4;
    Json json = panel_of(line_of(4), distinct_problem("full"), {"mesh_kv", "ring_kv", "mesh_kv_backward"});
    json["problem"]["users"] = Json::array({{{"keys", 108}, {"queries", 52}, {"shared_keys", {30, 60}}}});
    Experiment line(json);
    const std::uint64_t token = 2 * (24 + 40) * 2, c = (108 - 30) / n * token;  // 19 or 20 keys a rank
    std::uint64_t sum = 0;
    for (const auto& [link, bytes] : link_bytes(line.run(0).result)) sum += bytes;
    CHECK(sum == (n - 1) * (108 - 30) * token);
    for (const auto& [link, bytes] : link_bytes(line.run(1).result)) CHECK(bytes <= (n - 1) * (c + token));
    // Rank 2 is home: shared gradients in f32 over the links 0 -> 1 -> 2 and 3 -> 2, once each.
    std::uint64_t backward = 0;
    for (const auto& [link, bytes] : link_bytes(line.run(2).result)) backward += bytes;
    CHECK(backward == (n - 1) * (108 - 30) * (token + 2 * token) + 3 * 30 * 2 * token);
}
